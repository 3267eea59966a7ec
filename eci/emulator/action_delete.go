package emulator

import (
	"net/http"

	"github.com/eci-vnode/eci-vnode/eci"
)

func (e *Emulator) deleteContainerGroup(c *call, r *eci.DeleteContainerGroupRequest) (*eci.DeleteContainerGroupResponse, *eci.Error) {
	if err := checkTarget(r.ContainerGroupID, r.ClientToken); err != nil {
		return nil, err
	}
	return once(e, c, r.ClientToken, func() (*eci.DeleteContainerGroupResponse, *eci.Error) {
		g := e.groups.byID[r.ContainerGroupID]
		switch {
		case g == nil && !e.cfg.DeleteUnknownSucceeds:
			return nil, notFound(r.ContainerGroupID)
		case g != nil:
			e.delete(g, value(r.Force))
		}
		return &eci.DeleteContainerGroupResponse{}, nil
	})
}

// delete ends a group and forgets it. A second delete may only be more urgent.
func (e *Emulator) delete(g *group, force bool) {
	switch {
	case g.isTerminal():
		e.dropRecord(g)
		e.remove(g)
	case g.goal == goalDelete && g.isIdle():
		// Its removal is due already: asking again must not put it off.
	case force:
		g.status = eci.StatusTerminating
		e.stopAll(g, goalDelete, 0)
	case g.goal != goalDelete:
		g.status = eci.StatusTerminating
		e.stopAll(g, goalDelete, g.grace())
	}
}

func (e *Emulator) restartContainerGroup(c *call, r *eci.RestartContainerGroupRequest) (*eci.RestartContainerGroupResponse, *eci.Error) {
	if err := checkTarget(r.ContainerGroupID, r.ClientToken); err != nil {
		return nil, err
	}
	return once(e, c, r.ClientToken, func() (*eci.RestartContainerGroupResponse, *eci.Error) {
		g, err := e.alive(r.ContainerGroupID)
		if err != nil {
			return nil, err
		}
		g.status = eci.StatusRestarting
		e.stopAll(g, goalRestart, g.grace())
		return &eci.RestartContainerGroupResponse{}, nil
	})
}

// alive finds a group that can be restarted or updated.
func (e *Emulator) alive(id string) (*group, *eci.Error) {
	g := e.groups.byID[id]
	if g == nil {
		return nil, notFound(id)
	}
	if g.status != eci.StatusPending && g.status != eci.StatusRunning {
		return nil, refuse(http.StatusBadRequest, eci.CodeIncorrectStatus, "The container group %s is %s, not Pending or Running.", id, g.status)
	}
	return g, nil
}

func checkTarget(id, token string) *eci.Error {
	c := &checker{}
	c.required("ContainerGroupId", id)
	c.token(token)
	return c.err
}

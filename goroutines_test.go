package architecture_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// productRooms run on a user's node. A panic in any goroutine that they start would
// end the program.
var productRooms = []string{
	"eci", "eci/vpc", "eci/openapi", "eci/execstream", "vnode", "vnode/leader",
	"provider", "provider/request", "provider/status", "provider/explain", "provider/check", "provider/eip", "cmd/eci-vnode",
}

// starters are the methods and functions that call a function on a goroutine on
// which nothing recovers: those of sync.WaitGroup, errgroup and singleflight, of
// time and context, and of what Prometheus asks while it gathers.
var starters = []string{"Go", "TryGo", "AfterFunc", "DoChan", "NewGaugeFunc", "NewCounterFunc", "NewUntypedFunc"}

// Every goroutine of the product begins with its guard against panics: it is a
// function literal whose first statement defers utilruntime.HandleCrash or
// HandleCrashWithContext, or a function of the room that recovers. The guard is
// deferred first, so that it runs last and what else is deferred gives locks back.
func TestEveryGoroutineBeginsWithAGuardAgainstPanics(t *testing.T) {
	found := 0
	for room, files := range goFiles(t) {
		if !slices.Contains(productRooms, room) {
			continue
		}
		parsed, fset := parseRoom(t, files)
		recovering := recoverers(parsed)
		for _, file := range parsed {
			for _, start := range goroutines(file) {
				found++
				if !isGuarded(start, recovering) {
					t.Errorf("%s: a goroutine without a guard: begin its function literal with defer utilruntime.HandleCrashWithContext(ctx)", fset.Position(start.Pos()))
				}
			}
		}
	}
	if found < 30 {
		t.Errorf("only %d goroutines were found: is the test run at the root?", found)
	}
}

func TestGuardsAreRecognised(t *testing.T) {
	for _, tc := range []struct {
		statement string
		guarded   bool
	}{
		{"go func() { defer utilruntime.HandleCrashWithContext(ctx); f() }()", true},
		{"g.Go(func() error { defer utilruntime.HandleCrash(); return f() })", true},
		{"time.AfterFunc(d, func() { defer s.recovers(); f() })", true},
		{"go func() { defer func() { recover() }(); f() }()", true},
		{"go f()", false},
		{"g.Go(f)", false},
		{"g.Go(func() error { return f() })", false},
		{"go func() { f(); defer utilruntime.HandleCrash() }()", false},
		{"context.AfterFunc(ctx, cancel)", false},
		{"time.AfterFunc(d, func() { defer s.closes(); f() })", false},
		{"prometheus.NewGaugeFunc(opts, func() float64 { return 1 })", false},
		{"s.DoChan(key, func() (any, error) { defer m.Unlock(); return nil, nil })", false},
	} {
		text := "package p\nfunc f() {\n" + tc.statement + "\n}\nfunc (s) recovers() { if recover() != nil {} }\nfunc (s) closes() { defer func() { recover() }() }\n"
		file, err := parser.ParseFile(token.NewFileSet(), "", text, 0)
		if err != nil {
			t.Fatal(err)
		}
		starts := goroutines(file)
		if len(starts) != 1 || isGuarded(starts[0], recoverers([]*ast.File{file})) != tc.guarded {
			t.Errorf("%s: %d goroutines; guarded should be %v", tc.statement, len(starts), tc.guarded)
		}
	}
}

func parseRoom(t *testing.T, files []string) ([]*ast.File, *token.FileSet) {
	t.Helper()
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
	}
	return parsed, fset
}

// goroutines are the functions of a file that are called on goroutines: the called
// one of a go statement, the last argument of a starter.
func goroutines(file *ast.File) (starts []ast.Expr) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			starts = append(starts, n.Call.Fun)
		case *ast.CallExpr:
			if slices.Contains(starters, nameOf(n.Fun)) && len(n.Args) > 0 {
				starts = append(starts, n.Args[len(n.Args)-1])
			}
		}
		return true
	})
	return starts
}

// isGuarded reports whether a function is a literal that begins with a guard.
func isGuarded(function ast.Expr, recovering map[string]bool) bool {
	literal, ok := function.(*ast.FuncLit)
	if !ok || len(literal.Body.List) == 0 {
		return false
	}
	first, ok := literal.Body.List[0].(*ast.DeferStmt)
	if !ok {
		return false
	}
	if deferred, ok := first.Call.Fun.(*ast.FuncLit); ok {
		return recovers(deferred.Body)
	}
	name := nameOf(first.Call.Fun)
	return name == "HandleCrash" || name == "HandleCrashWithContext" || recovering[name]
}

// recoverers are the functions that recover when they are deferred.
func recoverers(files []*ast.File) map[string]bool {
	names := map[string]bool{}
	for _, file := range files {
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Body != nil && recovers(f.Body) {
				names[f.Name.Name] = true
			}
		}
	}
	return names
}

// recovers reports whether a body calls recover itself: in a function within it
// that would do nothing.
func recovers(body *ast.BlockStmt) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && nameOf(call.Fun) == "recover" {
			found = true
		}
		_, nested := n.(*ast.FuncLit)
		return !nested
	})
	return found
}

// nameOf is the last part of what is called.
func nameOf(function ast.Expr) string {
	switch f := function.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

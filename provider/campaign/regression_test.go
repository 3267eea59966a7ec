package campaign

import "testing"

// Bugs that the campaign has found, by the histories that they were shrunk to.
// With other calls in the code between, a history may no longer meet its bug:
// it still has to hold every invariant.
var regressions = map[string]string{
	"a pod that ran and whose object names the group of another pod is lost when its own is gone":         "create:55488 run:19200 create:7121 wait:19086 run:37973 create:629 run:46370 crash:36965 run:8850 force:62074 run:39111 run:30028 lie:7317 run:64519 cut:3140 second:41312 second:6201 fail:59317 run:17279 crash:51945 run:55607 delete:59961",
	"a pod that ran and whose object names the group of another cluster is lost when its own is gone":     "create:16731 run:3117 pause:8190 stranger:27764 run:37295 lie:49869 lie:20636 crash:40368 run:28524",
	"a group that the pod's object names and that is gone has used up its ClientToken":                    "create:40262 run:39764 create:60486 run:20410 force:17496 skew:11647 copy:46330 run:23189 run:62976 crash:63140 run:25595 hand:15055 run:11185",
	"a pod older than its ClientToken is looked for whatever its annotation says":                         "create:26837 run:62292 pause:17843 create:33137 run:37589 run:3445 second:63842 crash:52253 lie:41291 stale:38044 run:17955",
	"an edited annotation and one empty list do not hide the group of a pod that is deleted":              "create:33616 run:6056 run:13410 create:24059 slow:31271 run:7911 heal:28621 run:48047 run:36967 crash:8943 create:60007 logs:52689 stale:40520 delete:60205 create:5250 run:38545 wait:22431 api:24233 run:14184 lie:13470 stale:3906 run:35344 run:37948",
	"an old list that shows only a failed attempt does not hide the group that the object names":          "create:46937 run:50000 crash:30634 run:5433 stale:39224 fail:63914 run:35242 run:48900 drain:55435 run:32094 run:55205 create:42553 run:35431 create:8621 run:11262 create:27898 second:4774 stock:48051 run:4212 wait:55230 run:46416 fail:38964 wait:26009 run:34713 delete:40114 stale:51383 run:57592 run:29489 run:18586 run:25821 run:17457 crash:39582 create:39019 wait:16608 run:43568 stock:8010 hand:885 run:23133 crash:52967 run:29857",
	"a try to recover that failed has seen groups that a later list leaves out":                           "create:41572 create:29032 run:62604 replace:58399 run:10390 force:58780 run:20892 slow:62873 cut:45151 run:45418 run:63452 lag:42933 run:48961 delete:12003 run:24380 run:2417 run:62510",
	"beside a group that failed the object of a pod names the one that another leader has made":           "create:26603 stock:59618 run:25862 run:9645 second:18295 run:16285 wait:9394 drain:3671 cut:19942 run:45154 lag:43771 run:3193 run:28446",
	"a pod whose object names a group that failed is not lost while the next one runs":                    "create:58902 api:25763 run:62958 run:21188 stock:13689 run:838 heal:18171 run:14951 hand:25301 crash:45205 wait:46496 denied:53204 run:52598 run:29578",
	"a pod older than its ClientToken is read anew before it gets a group":                                "run:39233 pause:9275 run:2978 second:45049 create:60544 crash:63641 run:19264 run:12187 denied:23941 wait:9834 crash:64615 run:22235",
	"of an end that nobody saw the status claims no cause":                                                "run:55393 create:4889 stock:50022 crash:64997 run:26724 stale:39970 run:59107",
	"reads that all lag do not end the pod of a young group":                                              "create:37092 create:22453 force:56073 denied:34607 run:50967 pause:45121 create:7108 wait:11892 create:63322 run:9092 run:39733 hand:27306 heal:32851 run:597 run:39166 second:8637 lag:8705 pause:11473 delete:619 run:39109 run:31642 run:23040",
	"a delete that is answered after its group could not be scheduled ends the group of the next attempt": "create:43820 create:60772 run:43835 watch:43015 create:3539 run:5684 run:22302 run:20873 run:57191 fail:58681 delete:48614 crash:9685 stock:19916 run:48904 run:14112 create:20149 run:60907 create:2597 run:58074 replace:43069 slow:50605 run:42033",
	"a later list that leaves out what recovery saw proves nothing":                                       "create:55080 delete:22561 run:54782 create:42435 run:15177 create:62838 delete:32258 fail:30628 run:26460 delete:43045 hand:47510 cut:51725 run:49206 pause:46380 run:48903 denied:21471 run:49645 run:29135 slow:34349 run:50538",
	"a refusal of the caller does not tell that the try before has made nothing":                          "create:547 run:63658 fail:12280 create:27499 crash:49383 run:28607 api:36936 run:64040 run:26027 expired:26388 fail:47350 delete:44510 run:40659 run:19640 denied:37326 run:47540",
	"a recovery whose answers leave out the details of a group has not succeeded":                         "create:51267 stale:34630 run:36096 crash:7173 run:52190",
	"a pod that was deleted before recovery is not told to have ended while its group is seen":            "create:21089 run:57992 create:37239 fail:60627 api:50096 second:34978 run:30142 wait:38117 run:3045 run:42554 cut:27374 run:58200 second:6180 stale:65309 delete:30685 create:51306 run:3951",
	"an end is asked for again when another leader has written a group on the pod's object":               "run:20911 run:39294 cut:35957 run:46647 run:6537 run:48171 create:27972 delete:15068 run:12070 run:6367",
	"an object leaves only as it was seen":                                                                "create:34363 run:10654 run:43461 create:14865 stale:17888 cut:45181 second:24368 api:61631 run:26115 drain:23712 second:60723 run:62165 run:32003 run:22139 run:60417 replace:49171 run:60786 run:57779 delete:56284 wait:37634 force:27420 run:23005 crash:38115 run:942 cut:7101 run:35856 wait:41940 delete:40864 run:40980 delete:58800 fail:16378 run:6193 run:46815 delete:57783 run:9090 run:57915",
	"the end of a group that never ran is not the end of the one that another leader made next":           "create:29807 run:10691 stale:32145 fail:7465 run:19869 pause:22872 second:53587 run:49413 denied:15809 run:30249 stock:6118 api:58869 pause:7479 denied:54751 cut:37184 run:55736 run:1731 delete:14288 create:23179 run:11350 run:30968 run:21034 wait:33612 fail:22185 run:3427 wait:15888 create:64557 wait:59314 run:40793 run:47647 delete:55501",
	"details older than a state that could not be scheduled end no pod":                                   "create:23342 fail:9213 create:8609 delete:40928 create:35295 run:54830 stock:542 run:64907 run:3904 run:17169 stale:35237 run:32617",
	"a group that only the pod's object tells of is ended with its pod":                                   "create:50717 run:10598 run:63132 api:20848 second:51071 create:4054 wait:52724 crash:26726 denied:44976 delete:28589 run:12906 drain:64477 run:26376 run:61903",
	"a failed attempt is counted once after a restart, else the next ClientToken is another group's":      "create:17403 api:52030 run:7129 stock:53147 create:23768 run:36111 run:4062 run:35308 crash:22458 stale:19312 run:59852",
	"two leaders count the failed attempts alike":                                                         "create:37943 run:39529 update:19136 stock:15651 create:52112 run:63977 heal:59547 run:8800 second:18561 stale:18272 run:48609 run:7901",
	"a ClientToken used up by an attempt that could not be scheduled is not asked for for ever":           "create:20042 run:52743 stock:58567 second:46582 run:10419 run:18978 wait:7312",
	"a delete that is answered after its group could not be scheduled deletes nothing":                    "create:23886 run:11277 crash:53152 create:10945 replace:55533 fail:52659 fail:65033 run:53875 run:37846 drain:46074 watch:43711 run:64689 create:45931 second:28950 run:59268 stock:24416 force:41833 run:18069 run:21339 run:16283 delete:9147",
	"no attempt is made for a pod that was forced away":                                                   "run:27557 stock:11707 crash:31531 run:36978 create:37885 api:1965 run:4103 replace:18912 create:37120 run:720 create:43707 run:47692 crash:6226 run:21459 run:56491 run:49897 drain:47588 api:1959 stock:2062 create:57660 run:23285 wait:38987 run:18274 run:1118 run:26239 run:7121 run:19994 replace:60628 run:2748",
	"a leader that wakes up does not write an old phase over an end":                                      "create:20633 delete:10162 run:61115 replace:60180 create:28992 fail:49571 second:19054 run:57880 create:34726 run:20329 run:2124 run:58854 run:30728 run:26037 create:6140 run:34433 create:16999 run:49606 run:60684 delete:37146 force:60423 run:30884 wait:40126 run:28758 watch:1648 run:9291",
	"a pod that an old first list left out is not taken for new":                                          "create:49168 run:6779 delete:47133 run:2967 run:20359 run:24821 run:19294 run:26186 run:13674 run:41842 create:12562 wait:55197 delete:7075 denied:49470 crash:24613 run:39446 run:58918",
	"a pod deleted before recovery leaves after the group of an earlier life":                             "run:9215 run:17368 create:3509 delete:27065 stale:13394 run:4919 crash:50139 run:6415",
	"a group made by the leader before is looked for when its pod is deleted":                             "create:19035 run:4611 pause:19249 run:63432 delete:2077",
	"an object stays until its last status is written, conflicts or not":                                  "create:7117 drain:44421 create:23439 run:25340 run:38081 run:42580 delete:12411",
}

func TestNoBugThatWasFoundIsBack(t *testing.T) {
	for name, text := range regressions {
		t.Run(name, func(t *testing.T) {
			h, err := ParseHistory(text)
			if err != nil {
				t.Fatal(err)
			}
			if got := Run(h, NoneOff, true); got.Violation != nil {
				t.Errorf("breaks %q: %s\n%s", got.Violation.Invariant, got.Violation.What, tail(got.Trace))
			}
		})
	}
}

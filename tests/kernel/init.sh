#!/bin/busybox sh
# SPDX-License-Identifier: GPL-3.0-or-later
# First process of the test guest: lays a throw-away overlay over the host's root
# (read-only over 9p), mounts the folders to be written, runs the job in there and
# switches the guest off. The job: share "job" has run (a script); run's output and
# exit status go to output and status in it.
# shellcheck shell=sh
bb=/bin/busybox
$bb mount -t proc none /proc
$bb mount -t sysfs none /sys
$bb mount -t devtmpfs none /dev
for m in /mod/*; do [ ! -e "$m" ] || $bb insmod "$m" || $bb echo "init: cannot load $m" >/dev/console; done

p9() { $bb mount -t 9p -o "trans=virtio,version=9p2000.L,msize=262144,$1" "$2" "$3"; }
$bb mount -t tmpfs -o mode=0755,size=70% none /r
$bb mkdir /r/host /r/upper /r/work /r/new
p9 ro,cache=loose host /r/host || $bb poweroff -f
$bb mount -t overlay -o lowerdir=/r/host,upperdir=/r/upper,workdir=/r/work none /r/new || $bb poweroff -f

n=/r/new
$bb mount -t proc none $n/proc
$bb mount -t sysfs none $n/sys
$bb mount -t devtmpfs none $n/dev
$bb mkdir -p $n/dev/shm $n/run $n/job
for d in dev/shm run; do $bb mount -t tmpfs -o mode=1777 none $n/$d; done
p9 cache=none job $n/job || $bb poweroff -f

modules=$($bb sed -n 's/.*rtpe\.modules=\([^ ]*\).*/\1/p' /proc/cmdline)
release=$($bb uname -r)
$bb mkdir -p "$n/lib/modules/$release"
$bb mount -o bind "/r/host$modules/lib/modules/$release" "$n/lib/modules/$release"
$bb ip link set lo up

$bb cat >$n/run/stage <<'END'
exec </dev/null >/dev/console 2>&1
sh /job/run >/job/output 2>&1
echo $? >/job/status
sync
echo o >/proc/sysrq-trigger
while :; do wait; done
END
cd $n || $bb poweroff -f
$bb mount --move . /
exec $bb chroot . /bin/sh /run/stage

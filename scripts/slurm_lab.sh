#!/usr/bin/env bash
# A SLURM cluster of two nodes on this machine, for the tests that need a real scheduler:
#   slurm_lab.sh up      install what is missing (Debian packages; needs root), start it; idle in about a second once installed
#   slurm_lab.sh node N  start node n1 or n2 again
#   slurm_lab.sh down    stop what it started
# Nodes n1 and n2 stand in the partitions main and gpu, each with one fake GPU. A job over its memory is killed. State in
# $SLURM_LAB (/tmp/slurm-lab); SLURM's programs find it with SLURM_CONF=$SLURM_LAB/etc/slurm.conf.
set -euo pipefail
lab=${SLURM_LAB:-/tmp/slurm-lab}
export SLURM_CONF=$lab/etc/slurm.conf # not /etc/slurm: a SLURM that is this machine's own stays as it is
cpus=${SLURM_LAB_CPUS:-2} memory=${SLURM_LAB_MEMORY:-12000}
say() { printf 'slurm_lab: %s\n' "$*" >&2; }
alive() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }

install_packages() {
    local missing=() package
    for package in slurm-wlm munge; do dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package"); done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || { say "cannot install ${missing[*]} here (needs root and apt-get)"; exit 3; }
    export DEBIAN_FRONTEND=noninteractive
    local policy=/usr/sbin/policy-rc.d code=0
    if [ -e $policy ]; then policy=; else printf '#!/bin/sh\nexit 101\n' >$policy; chmod +x $policy; fi # what is installed must not start daemons of its own
    { apt-get update -q && apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$lab/log/apt.txt" 2>&1 || code=3
    [ -z "$policy" ] || rm -f $policy
    [ $code = 0 ] || { say "cannot install ${missing[*]}: $(tail -1 "$lab/log/apt.txt")"; exit 3; }
}

configure() {
    local host new node task_plugin=task/none over=JobAcctGatherParams=OverMemoryKill
    host=$(hostname -s) new=$(mktemp)
    # the kernel kills what a job has too much (exit 137), where this machine lets us have memory groups; else SLURM kills the whole job
    if mkdir -p /sys/fs/cgroup/memory/slurm 2>/dev/null; then
        task_plugin=task/cgroup over=
        printf 'CgroupPlugin=cgroup/v1\nConstrainRAMSpace=yes\nConstrainSwapSpace=yes\n' >"$lab/etc/cgroup.conf"
    else rm -f "$lab/etc/cgroup.conf"; fi
    cat >"$new" <<CONF
ClusterName=lab
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
SlurmctldPort=17000
SlurmctldPidFile=$lab/run/slurmctld.pid
SlurmdPidFile=$lab/run/slurmd-%n.pid
SlurmctldLogFile=$lab/log/slurmctld.log
SlurmdLogFile=$lab/log/slurmd-%n.log
StateSaveLocation=$lab/state
SlurmdSpoolDir=$lab/spool-%n
ProctrackType=proctrack/pgid
TaskPlugin=$task_plugin
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
MpiDefault=none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=5,bf_interval=5
SlurmdTimeout=20
SlurmctldTimeout=20
InactiveLimit=0
KillWait=5
MinJobAge=300
JobRequeue=0
JobCompType=jobcomp/filetxt
JobCompLoc=$lab/log/jobs.txt
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
$over
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=n1 NodeHostName=$host NodeAddr=127.0.0.1 Port=17001 CPUs=$cpus RealMemory=$memory Gres=gpu:1
NodeName=n2 NodeHostName=$host NodeAddr=127.0.0.1 Port=17002 CPUs=$cpus RealMemory=$memory Gres=gpu:1
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu  Nodes=n1,n2 MaxTime=INFINITE State=UP
CONF
    cmp -s "$new" "$SLURM_CONF" || install -m644 "$new" "$SLURM_CONF"
    rm -f "$new"
    for node in n1 n2; do : >"$lab/gpu-$node"; printf 'NodeName=%s Name=gpu File=%s\n' "$node" "$lab/gpu-$node"; done >"$lab/etc/gres.conf"
}

start_munge() {
    munge -n </dev/null 2>/dev/null | unmunge >/dev/null 2>&1 && return 0
    mkdir -p /run/munge /var/log/munge /var/lib/munge
    chown munge: /run/munge /var/log/munge /var/lib/munge; chmod 755 /run/munge
    [ -s /etc/munge/munge.key ] || { dd if=/dev/urandom of=/etc/munge/munge.key bs=1024 count=1 status=none; chown munge: /etc/munge/munge.key; chmod 400 /etc/munge/munge.key; }
    su -s /bin/sh munge -c '/usr/sbin/munged --force' 2>/dev/null || /usr/sbin/munged --force
    : >"$lab/run/munge-ours"
}

start_node() { alive "$lab/run/slurmd-$1.pid" || slurmd -N "$1"; }

wait_idle() {
    local _ node
    for _ in $(seq 60); do
        if [ "$(sinfo -h -p main -o '%T %D' 2>/dev/null | awk '$1=="idle"||$1=="mixed"||$1=="allocated"{s+=$2} END{print s+0}')" = 2 ]; then
            sinfo -N -o '%N %P %T %c %m %G'; return 0; fi
        for node in n1 n2; do scontrol update NodeName=$node State=RESUME >/dev/null 2>&1 || true; done
        sleep 0.5
    done
    say 'not up within 30 s'; tail -5 "$lab"/log/*.log >&2; return 1
}

stop() {  # PID_FILE
    local pid
    pid=$(cat "$1" 2>/dev/null) || return 0
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 40); do kill -0 "$pid" 2>/dev/null || break; sleep 0.25; done
    kill -9 "$pid" 2>/dev/null || true
    rm -f "$1"
}

case ${1:-} in
    up)
        mkdir -p "$lab"/{etc,state,spool-n1,spool-n2,run,log}
        install_packages; configure; start_munge
        alive "$lab/run/slurmctld.pid" || slurmctld
        start_node n1; start_node n2; wait_idle ;;
    node) start_node "$2"; wait_idle ;;
    down)
        [ -d "$lab/run" ] || exit 0
        scancel --state=PENDING,RUNNING -u "$(id -un)" 2>/dev/null || true
        for file in "$lab"/run/slurmd-*.pid "$lab"/run/slurmctld.pid; do stop "$file"; done
        if [ -e "$lab/run/munge-ours" ]; then stop /run/munge/munged.pid; fi
        rm -rf "$lab" ;;
    *) say 'up, node N or down'; exit 2 ;;
esac

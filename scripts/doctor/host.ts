import { type Finding, ok, warn } from "../shared/finding.ts";
import type { ReadProc } from "./kernel.ts";

/** Clocks that are read without a call of the kernel. */
const FAST_CLOCKS = ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"];

/** Where programs that keep the time leave a trace while they do. */
const TIME_KEEPERS = [
  { name: "systemd-timesyncd", path: "/run/systemd/timesync/synchronized" },
  { name: "chronyd", path: "/run/chrony/chronyd.pid" },
  { name: "ntpd", path: "/run/ntpd.pid" },
];

/** How this machine treats what must not stand still: Redis, where it runs here, and the clock. */
export async function hostFindings(read: ReadProc): Promise<Finding[]> {
  const [overcommit, hugePages, swaps, source] = await Promise.all([
    read("/proc/sys/vm/overcommit_memory"),
    read("/sys/kernel/mm/transparent_hugepage/enabled"),
    read("/proc/swaps"),
    read("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
  ]);
  return [
    ...(overcommit === undefined ? [] : [overcommitFinding(Number(overcommit))]),
    ...(hugePages === undefined ? [] : [hugePagesFinding(hugePages)]),
    ...(swaps === undefined ? [] : [swapFinding(swaps)]),
    ...(source === undefined ? [] : [clockSourceFinding(source.trim())]),
    await timeFinding(read),
  ];
}

function overcommitFinding(overcommit: number): Finding {
  const found = `overcommit_memory ${overcommit}: with 1, Redis can always write its file anew, beside what it holds`;
  if (overcommit === 1) return ok("memory", found);
  return warn("memory", found, "where Redis runs: sysctl vm.overcommit_memory=1");
}

function hugePagesFinding(text: string): Finding {
  const [, chosen = ""] = /\[(\w+)\]/.exec(text) ?? [];
  const found = `transparent_hugepage ${chosen}: with always, Redis copies 2 MB for each change while it writes its file`;
  if (chosen !== "always") return ok("memory", found);
  return warn("memory", found, "where Redis runs: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
}

function swapFinding(swaps: string): Finding {
  const areas = swaps.trim().split("\n").length - 1;
  const found = `${areas} swap areas: an edge, a broker or a Redis that is read back from a disk stands still`;
  if (areas === 0) return ok("memory", found);
  return warn("memory", found, "swapoff -a, or sysctl vm.swappiness=1");
}

function clockSourceFinding(source: string): Finding {
  const found = `clock source ${source}: an edge looks at the clock for every event and write`;
  if (FAST_CLOCKS.includes(source)) return ok("clocks", found);
  return warn(
    "clocks",
    found,
    "each look is a call of the kernel: boot with clocksource=tsc where the machine has one",
  );
}

async function timeFinding(read: ReadProc): Promise<Finding> {
  for (const { name, path } of TIME_KEEPERS) {
    if ((await read(path)) !== undefined) return ok("clocks", `${name} keeps the time`);
  }
  return ok("clocks", "what keeps the time is not seen from here; below, clocks are compared");
}

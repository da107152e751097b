import { expect, test } from "vitest";
import { hostFindings } from "./host.ts";

const GOOD: Record<string, string> = {
  "/proc/sys/vm/overcommit_memory": "1\n",
  "/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
  "/proc/swaps": "Filename Type Size Used Priority\n",
  "/sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
  "/run/chrony/chronyd.pid": "1\n",
};

test.each<[Record<string, string>, string[]]>([
  [{}, []],
  [{ "/proc/sys/vm/overcommit_memory": "0" }, ["overcommit_memory 0"]],
  [{ "/sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never" }, ["transparent_hugepage always"]],
  [{ "/sys/kernel/mm/transparent_hugepage/enabled": "always madvise [never]" }, []],
  [{ "/proc/swaps": "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n" }, ["1 swap areas"]],
  [{ "/sys/devices/system/clocksource/clocksource0/current_clocksource": "hpet" }, ["clock source hpet"]],
])("%j is found", async (changed, expected) => {
  const findings = await hostFindings(async (path) => ({ ...GOOD, ...changed })[path]);
  const wrong = findings.filter(({ level }) => level !== "ok").map(({ found }) => found.split(":")[0]);
  expect(wrong).toEqual(expected);
});

test("whoever keeps the time is named where that is seen", async () => {
  const said = async (read: Record<string, string>): Promise<string | undefined> =>
    (await hostFindings(async (path) => read[path])).at(-1)?.found;
  expect(await said(GOOD)).toBe("chronyd keeps the time");
  expect(await said({})).toContain("is not seen from here");
});

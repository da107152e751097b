/**
 * How often `act` can be called in a second of one core's time, however busy the machine is otherwise. What it answers is
 * counted, so that nobody may leave it out.
 */
export function perCpuSecond(count: number, act: (index: number) => boolean): number {
  // Just-in-time compilation is not what is measured.
  run(Math.ceil(count / 8), act);
  const before = process.cpuUsage();
  run(count, act);
  const { user, system } = process.cpuUsage(before);
  return (count * 1e6) / (user + system);
}

function run(count: number, act: (index: number) => boolean): number {
  let yes = 0;
  for (let index = 0; index < count; index += 1) yes += Number(act(index));
  return yes;
}

/** The middle one of so many runs, in milliseconds of one core's time. */
export function medianCpuMs(runs: number, act: () => void): number {
  const times = Array.from({ length: runs }, () => {
    const before = process.cpuUsage();
    act();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  });
  return times.toSorted((a, b) => a - b)[Math.floor(runs / 2)] ?? Number.NaN;
}

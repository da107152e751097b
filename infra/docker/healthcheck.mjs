// The image's HEALTHCHECK: ends with 0 where the service that runs in this container takes new work. Which one it is, its port of
// operations tells: no other is open here.
const PORTS = { AUTH: 8091, POLICY: 8092, PUBLISH: 8093, STREAM: 8090 };

const answers = await Promise.allSettled(
  Object.entries(PORTS).map(async ([service, byDefault]) => {
    const port = process.env[`${service}_OPS_PORT`] ?? byDefault;
    const { ok } = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2_500) });
    return ok;
  }),
);
const open = answers.filter(({ status }) => status === "fulfilled");
process.exit(open.length > 0 && open.every(({ value }) => value) ? 0 : 1);

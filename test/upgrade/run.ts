import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { runScript, say } from "../../scripts/shared/run-script.ts";
import { startClusterLoad } from "#test/support/cluster-load.ts";
import { prepareClusterPrograms } from "#test/support/prepare-cluster-programs.ts";
import { print, readOptions } from "#test/support/run-arguments.ts";
import { type Cluster, type ServiceProcessName, serviceOf, startCluster } from "#test/support/start-cluster.ts";
import { bothOf, type Probe } from "./probe.ts";
import { createCallbacksProbe, writeWebhookSettings } from "./probes/callbacks.ts";
import { createConnectionLogProbe } from "./probes/connection-log.ts";
import { createEdgeCallsProbe } from "./probes/edge-calls.ts";
import { createPoliciesProbe } from "./probes/policies.ts";
import { createProducerKeysProbe } from "./probes/producer-keys.ts";
import { createSessionsProbe } from "./probes/sessions.ts";
import { createSigningKeysProbe } from "./probes/signing-keys.ts";
import { createSubscriptionsProbe } from "./probes/subscriptions.ts";
import { buildRelease, lastTag, type Release, THIS } from "./release.ts";
import { planSteps } from "./roll.ts";

const USAGE = `npm run upgrade-drill [-- --from <revision>]

Starts a cluster of an earlier release, brings every process to the code that is here, back, and here again, one after the other, while
people stream, publish and change rights. Behind each step each release uses what the other one has stored. The exit code is 0 where
nothing was lost, repeated, told as a gap or reset, or delivered after a revoke, and everything was understood.

  --from <revision>  a tag, branch or commit; the last tag by default
  --help             says this
`;

// `npm run upgrade-drill`: keeps what the processes printed where something went wrong.
await runScript(async () => {
  const values = readOptions({ from: { type: "string" }, help: { type: "boolean", short: "h" } }, USAGE);
  if (values.help === true) return print(USAGE);
  const from = values.from ?? (await lastTag());
  say(`building ${from} …`);
  await using old = await buildRelease(from);
  await prepareClusterPrograms(say);
  await using drill = await startDrill(old);
  const faults: string[] = await drill.look(`all are ${from}`);
  for (const { process, to } of planSteps()) {
    const release = to === "old" ? old : THIS;
    const tookMs = await drill.bring(process, release);
    faults.push(...(await drill.look(`${process} is ${to === "old" ? from : "new"} after ${tookMs} ms`)));
  }
  const { gaps, resets } = await drill.end();
  if (gaps + resets > 0) faults.push(`${gaps} gaps and ${resets} resets were told`);
  if (faults.length === 0) return print("everything was understood\n");
  await keepOutput(drill.cluster);
  return 1;
});

/** A cluster under load of which each process runs one release or the other. */
async function startDrill(old: Release) {
  await using starting = new AsyncDisposableStack();
  const releases = new Map<ServiceProcessName, Release>();
  let latest = old;
  const webhooks = starting.use(await writeWebhookSettings());
  const cluster = starting.use(
    await startCluster({
      workers: 1,
      env: {
        auth: { AUTH_ACCESS_TOKEN_SECONDS: "3600", AUTH_KEY_PUBLISH_SECONDS: "12" },
        stream: { STREAM_DRAIN_MS: "1000" },
      },
      webhooks: webhooks.env,
      program: (name) => (releases.get(name) ?? old).program(serviceOf(name)),
    }),
  );
  const [operator, demo] = [await cluster.bus("policy"), await cluster.bus("demo")];
  const load = await startClusterLoad(cluster, operator, [cluster.urls.stream, ...bothOf(cluster, "stream")]);
  const probes: readonly Probe[] = [
    await createSessionsProbe({ cluster }),
    createSigningKeysProbe({ cluster, sluice: () => latest.program("sluice") }),
    await createPoliciesProbe({ cluster }),
    await createProducerKeysProbe({ cluster }),
    await createSubscriptionsProbe({ cluster, demo }),
    starting.use(await createCallbacksProbe({ cluster, demo })),
    await createConnectionLogProbe({ cluster }),
    await createEdgeCallsProbe({ cluster }),
  ];
  const stack = starting.move();
  return {
    cluster,
    /** Ends a process and starts it again with that release; answers how long that took. */
    async bring(name: ServiceProcessName, release: Release): Promise<number> {
      const begin = performance.now();
      releases.set(name, release);
      latest = release;
      await cluster.process(name).restart();
      for (const reader of load.steady) reader.hop();
      return Math.round(performance.now() - begin);
    },
    /** Has all probes look, says how it went, and answers what was not understood. */
    async look(step: string): Promise<string[]> {
      const begin = performance.now();
      const looked = await Promise.allSettled(probes.map((probe) => probe.look()));
      const faults = looked.flatMap((result, place) =>
        result.status === "rejected" ? [`${probes[place]?.name}: ${(result.reason as Error).message}`] : [],
      );
      const tookMs = Math.round(performance.now() - begin);
      say([`${step}; looked for ${tookMs} ms`, ...faults.map((fault) => `  FAILED ${fault}`)].join("\n"));
      return faults;
    },
    end: () => load.end(),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Writes what each process printed into a folder. */
async function keepOutput(cluster: Cluster): Promise<void> {
  const folder = resolve(".sluice/upgrade-drill");
  await mkdir(folder, { recursive: true });
  for (const name of cluster.names) await writeFile(join(folder, `${name}.log`), cluster.process(name).output());
  say(`what each process printed is in ${folder}`);
}

import { runCommand } from "../../../scripts/shared/run-command.ts";
import { waitFor } from "#test/support/wait.ts";
import { bothOf, call, type Probe, type ProbeDeps } from "../probe.ts";

/** What a probe of keys needs: the command of the release of the moment. */
export interface SigningKeysDeps extends ProbeDeps {
  /** The built `sluice` of the release that processes were brought to last. */
  readonly sluice: () => string;
}

/** The ring of keys is listed and turned by the command of either release, and both auths publish the same keys. */
export function createSigningKeysProbe({ cluster, sluice }: SigningKeysDeps): Probe {
  let looks = 0;
  const keys = async (command: "list" | "rotate"): Promise<string> => {
    const env = { NATS_URL: cluster.nats.nodes[0].url("auth"), NATS_REPLICAS: "3" };
    const { code, stdout, stderr } = await runCommand(process.execPath, [sluice(), "keys", command], { env });
    if (code !== 0) throw new Error(`sluice keys ${command}: ${stderr}`);
    return stdout;
  };
  const keysAt = async (auth: string): Promise<string> => {
    const { body } = await call("GET", `${auth}/.well-known/jwks.json`);
    return JSON.stringify((body["keys"] as { kid: string }[]).map(({ kid }) => kid).toSorted());
  };
  return {
    name: "signing keys",
    async look() {
      // A key signs once it was published for a while: a turn each time would wait for that alone.
      await keys((looks += 1) % 4 === 0 ? "rotate" : "list");
      const [one, two] = bothOf(cluster, "auth");
      await waitFor("both auths publish the same keys", async () => (await keysAt(one)) === (await keysAt(two)));
    },
  };
}

import type { Command } from "commander";
import { nkeys } from "@nats-io/transport-node";
import { z } from "zod";
import { prepareRegion, readRegion } from "../bus/prepare-bus.ts";
import { busDirectory } from "../bus/bus-directory.ts";
import { LINK_SEED_VARIABLE, type Region, regionSchema } from "../region/region-config.ts";
import { collect, createCommand, createGroup, readOptions, splitPair, type Terminal } from "../shared/command.ts";
import { UsageError } from "../shared/run-script.ts";
import { admitCommand } from "./region/admit.ts";
import { fenceCommand } from "./region/fence.ts";
import { linkCommand } from "./region/link.ts";
import { promoteCommand } from "./region/promote.ts";
import { rejoinCommand } from "./region/rejoin.ts";
import { statusCommand } from "./region/status.ts";

const optionsSchema = z.object({
  region: z.string({ error: "is missing: it names the region" }),
  home: z.array(z.string()).default([]),
  peer: z.array(z.string()).default([]),
  listen: z.string().default("0.0.0.0:7422"),
  tlsCaFile: z.string().optional(),
  tlsCertFile: z.string().optional(),
  tlsKeyFile: z.string().optional(),
  dir: z.string().optional(),
});

/** `sluice region`: regions, and the homes that they hold. */
export function regionCommand(terminal: Terminal): Command {
  const description = `Several regions. Each tenant has a home, which is written in one region and mirrored in the other: see docs/operate/regions.md.`;
  return createGroup("region", "set up regions, and the homes that they hold", description, [
    keyCommand(terminal),
    configCommand(terminal),
    statusCommand(terminal),
    promoteCommand(terminal),
    fenceCommand(terminal),
    rejoinCommand(terminal),
    linkCommand(terminal),
    admitCommand(terminal),
  ]);
}

function keyCommand({ print }: Terminal): Command {
  return createCommand("key", {
    summary: "make the key by which a region's servers link to others",
    description: `Makes the key by which a region's nats-servers link to those of other regions, and prints it this once. The seed stays in the region, in ${LINK_SEED_VARIABLE} of its servers; the public key is for --peer of the others.`,
    examples: ["npx sluice region key"],
  }).action(() => {
    const key = nkeys.createUser();
    const [publicKey, seed] = [key.getPublicKey(), new TextDecoder().decode(key.getSeed())];
    key.clear();
    print({ publicKey, seed }, `The public key: ${publicKey}\nThe seed, which is shown this once:\n\n  ${seed}\n`);
  });
}

function configCommand({ env, print, say }: Terminal): Command {
  return createCommand("config", {
    summary: "write the configuration of a region's nats-servers",
    description: `Writes the configuration of a region's nats-servers into a folder: what infra/nats/nats.conf says, a JetStream domain named like the region, the accounts of the homes of other regions, and the links. sluice bus prepare keeps it. A home has the name of the region in which it was made.`,
    examples: [
      `npx sluice region config --region us --home eu=nats-leaf://nats.eu.example.com:7422 --peer eu=$EU_KEY --dir .sluice/nats-us   # EU_KEY: the public key of region eu`,
    ],
  })
    .option("--region <name>", "the region; its JetStream domain has this name")
    .option("--home <home=urls>", "a home of another region, and where that takes links; may be repeated", collect)
    .option("--peer <region=key>", "a region that may link to this one, and its public key; may be repeated", collect)
    .option("--listen <address>", "where this region takes links (default: 0.0.0.0:7422)")
    .option("--tls-ca-file <file>", "the authority of the servers' certificates, where nats-server finds it")
    .option("--tls-cert-file <file>", "the certificate of this region's servers, likewise")
    .option("--tls-key-file <file>", "the key of that certificate, likewise")
    .option("--dir <folder>", "where nats.conf is written; else SLUICE_BUS_DIR, else that of npm start")
    .action(async (given: unknown) => {
      const options = readOptions(optionsSchema, given);
      const directory = busDirectory(options.dir, env);
      const region = readRegionOptions(options);
      // A link that was closed with a promotion is opened by `link open` alone, which looks who takes events.
      const { closed = [] } = (await readRegion(directory)) ?? {};
      const { variables } = await prepareRegion(directory, { ...region, ...(closed.length > 0 && { closed }) });
      print(
        { directory, variables, closed },
        `${directory}/nats.conf is what the nats-servers of region ${options.region} are to read.`,
      );
      for (const home of closed) say(`The link of home ${home} stays closed: sluice region link open --home ${home}`);
      say(`Beside the passwords that it names they need:\n${variables.map((each) => `  ${each}`).join("\n")}`);
    });
}

function readRegionOptions({ region: name, home, peer, listen, ...options }: z.infer<typeof optionsSchema>): Region {
  const { tlsCaFile: caFile, tlsCertFile: certFile, tlsKeyFile: keyFile } = options;
  const isSecured = [caFile, certFile, keyFile].some((file) => file !== undefined);
  const keys = Map.groupBy(peer.map(splitNamed), ([region]) => region);
  const { data, error } = regionSchema.safeParse({
    name,
    listen,
    homes: home.map(splitNamed).map(([each, urls]) => ({ name: each, urls: urls.split(",") })),
    peers: Array.from(keys, ([region, pairs]) => ({ region, keys: pairs.map(([, key]) => key) })),
    ...(isSecured && { tls: { caFile, certFile, keyFile } }),
  });
  if (data !== undefined) return data;
  const [fault] = error.issues;
  throw new UsageError(`${fault?.path.join(".")} ${fault?.message}`);
}

function splitNamed(pair: string): [name: string, value: string] {
  return splitPair(pair, `${pair} must be like <name>=<value>`);
}

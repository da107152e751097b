import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { makeCertificates } from "../certificates/make-certificates.ts";
import { createCommand, readOptions, type Terminal } from "../shared/command.ts";
import { projectPath } from "../shared/project-folder.ts";

const optionsSchema = z.object({ out: z.string().min(1, "must name a folder").optional() });

/** `sluice certificates`: makes what the services need for gRPC with mutual TLS. */
export function certificatesCommand({ print }: Terminal): Command {
  return createCommand("certificates", {
    summary: "make the certificates for gRPC between the services",
    description: `Makes an authority and a certificate for each service and for a gateway, valid for a year. It may run at any time: valid certificates stay, those that are missing or have less than 30 days left are made anew, and the services take up new files while they run.`,
    examples: ["npx sluice certificates --out .sluice/certificates"],
  })
    .option("--out <folder>", "where to write them (default: .sluice/certificates)")
    .action(async (given: unknown) => {
      const { out } = readOptions(optionsSchema, given);
      const folder = out === undefined ? projectPath(".sluice", "certificates") : resolve(out);
      const made = await makeCertificates(folder);
      const outcome = made.length === 0 ? "every certificate is valid" : `made ${made.join(", ")}`;
      print({ folder, made }, `${out ?? ".sluice/certificates"}: ${outcome}`);
    });
}

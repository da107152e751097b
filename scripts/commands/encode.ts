import type { Command } from "commander";
import { encodeName } from "#shared/protocol/encode-name.ts";
import { isFreeName } from "#shared/protocol/names.ts";
import { createCommand, type Terminal } from "../shared/command.ts";
import { UsageError } from "../shared/run-script.ts";

/** `sluice encode`: prints a name as the token of a topic that stands for it. */
export function encodeCommand({ print }: Terminal): Command {
  return createCommand("encode", {
    summary: "print a name as it stands in topics",
    description: `Prints the token that stands for a name in subjects and topics: UTF-8 in NFC, every byte outside A-Z a-z 0-9 _ - as %XX. A name is the subject of a person, a group, or a key that a producer chooses.`,
    examples: [`npx sluice encode jane@acme.com   # jane%40acme%2Ecom`, `npx sluice encode 'auth0|64a'`],
  })
    .argument(
      "<name>",
      "the name, 1 to 256 bytes of UTF-8 without control characters; after -- it may begin with a dash",
    )
    .action((given: string) => {
      const name = given.normalize("NFC");
      if (!isFreeName(name)) throw new UsageError("a name is 1 to 256 bytes of UTF-8 without control characters");
      print({ name, encoded: encodeName(name) }, encodeName(name));
    });
}

import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { hashPassword } from "../../services/auth/users/password-hash.ts";
import { createCommand, type Terminal } from "../shared/command.ts";
import { UsageError } from "../shared/run-script.ts";

/** `sluice hash-password`: prints the argon2id hash of the password on stdin. */
export function hashPasswordCommand({ stdin, print, warn }: Terminal): Command {
  return createCommand("hash-password", {
    summary: "print the hash of a password, for the files of users and clients",
    description: `Reads a password from stdin and prints its argon2id hash, for the files of users and clients. A line break at the end is no part of the password.`,
    examples: ["npx sluice hash-password < password.txt", "printf %s sluice-demo | npx sluice hash-password"],
  }).action(async () => {
    if (stdin.isTTY === true) warn("type the password; Enter and Ctrl-D end it");
    const password = (await text(stdin)).replace(/\r?\n$/, "");
    if (password === "") throw new UsageError("give the password on stdin");
    const hash = await hashPassword(password).catch((error: Error) => {
      throw new UsageError(error.message);
    });
    print({ hash }, hash);
  });
}

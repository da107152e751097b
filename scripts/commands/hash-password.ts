// Prints the argon2id hash of the password on stdin, for the users' file: npm run --silent hash-password < password.txt
import { text } from "node:stream/consumers";
import { hashPassword } from "../services/auth/users/password-hash.ts";

const password = (await text(process.stdin)).replace(/\r?\n$/, "");
if (password === "") {
  process.stderr.write("give the password on stdin\n");
  process.exit(1);
}
process.stdout.write(`${await hashPassword(password)}\n`);

import { readClientDirectory } from "./client-directory.ts";
import { createUserDirectory, readAccounts } from "./user-directory.ts";
import { createAccountVerifier } from "./verify-account.ts";

/** Reads the files of users and of service clients; all share the threads that verify their secrets. */
export async function readSubjects(path: string, clientsPath: string | undefined) {
  const verifyAccount = createAccountVerifier();
  const fileClients = await readClientDirectory(clientsPath, verifyAccount);
  const read = () => readAccounts(path, fileClients.find);
  const users = createUserDirectory(await read(), verifyAccount);
  return { path, read, users, fileClients, verifyAccount };
}

import { readClientDirectory } from "./client-directory.ts";
import { createUserDirectory, type FindSubject, readAccounts } from "./user-directory.ts";
import { createAccountVerifier } from "./verify-account.ts";

/** Reads the files of users and of service clients; both share the threads that verify their secrets. */
export async function readSubjects(path: string, clientsPath: string | undefined) {
  const verifyAccount = createAccountVerifier();
  const clients = await readClientDirectory(clientsPath, verifyAccount);
  const read = () => readAccounts(path, clients.find);
  const users = createUserDirectory(await read(), verifyAccount);
  const findSubject: FindSubject = (tenant, subject) => users.find(tenant, subject) ?? clients.find(tenant, subject);
  return { path, read, users, clients, findSubject };
}

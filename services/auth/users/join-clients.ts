import type { ClientDirectory, FileClients } from "./client-directory.ts";
import { ID_PREFIX } from "./stored-client.ts";

/** The clients of the file and those that were made at run time as one directory; what the file names is the file's. */
export function joinClients(file: FileClients, stored: ClientDirectory): ClientDirectory {
  // By what the id looks like, whether there is such a client or not: a decoy is then one of the same kind.
  const directoryOf = (clientId: string): ClientDirectory =>
    clientId.startsWith(ID_PREFIX) && !file.knows(clientId) ? stored : file;
  return {
    find: (tenant, clientId) => directoryOf(clientId).find(tenant, clientId),
    authenticate: (clientId, ...proof) => directoryOf(clientId).authenticate(clientId, ...proof),
    findCertified: (clientId) => directoryOf(clientId).findCertified(clientId),
    confirm: (client) => directoryOf(client.username).confirm(client),
  };
}

/** For a `catch`: what is not there is undefined, and every other fault of the file system goes on. */
export function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

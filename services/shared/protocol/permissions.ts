/**
 * A permission is `resource:action`, with further tokens for finer actions: `invoice:read`, `invoice:read:draft`. In a
 * pattern each token may be `*`; a last `*` stands for one or more tokens, so `ticket:*` takes in `ticket:delete:hard`.
 */
export const PERMISSION = /^[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_-]{1,64}){1,7}$/;
const PERMISSION_PATTERN = /^([A-Za-z0-9_-]{1,64}|\*)(:([A-Za-z0-9_-]{1,64}|\*)){1,7}$/;

/** Whether `text` is a permission. */
export function isPermission(text: string): boolean {
  return PERMISSION.test(text);
}

/** Whether `text` is a permission in which `*` may stand for tokens. */
export function isPermissionPattern(text: string): boolean {
  return PERMISSION_PATTERN.test(text);
}

/** Whether a pattern takes in `permission`. */
export function permissionMatches(pattern: string, permission: string): boolean {
  if (!pattern.includes("*")) return pattern === permission;
  const wanted = pattern.split(":");
  const tokens = permission.split(":");
  const open = wanted.at(-1) === "*";
  if (open ? tokens.length < wanted.length : tokens.length !== wanted.length) return false;
  return wanted.every((token, index) => token === "*" || token === tokens[index]);
}

/** A permission pattern as a topic pattern that takes in the same: its last `*` stands for one or more tokens, as `>` does. */
export function permissionAsTopics(pattern: string): string {
  return pattern.replaceAll(":", ".").replace(/\*$/, ">");
}

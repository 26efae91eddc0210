// receive-group.ts — which group may knock at the receive socket: that of the peer's account.
import { readFile } from "node:fs/promises";

/** The number of a group by name or number; undefined where this machine has no such group. */
export async function findGroup(
  nameOrNumber: string,
  file = "/etc/group",
): Promise<number | undefined> {
  if (/^\d{1,9}$/.test(nameOrNumber)) return Number(nameOrNumber);
  const text = await readFile(file, "utf8").catch(() => "");
  for (const line of text.split("\n")) {
    const [name, , id] = line.split(":");
    if (name === nameOrNumber && id !== undefined && /^\d+$/.test(id)) return Number(id);
  }
  return undefined;
}

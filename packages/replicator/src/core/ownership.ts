// ownership.ts — which files of an appliance may ever leave it; only these can be put in a bundle.

/**
 * Every file and folder of `etc/` and its class. `replicated` ones follow the primary; `local` ones
 * are each node's own and are never sent nor written by replication (requirement R2).
 */
export const OWNERSHIP = {
  "services.yaml": "replicated",
  "modes.yaml": "replicated",
  "health-checks": "replicated",
  "revision.json": "replicated",
  "appliance.yaml": "local",
  secrets: "local",
} as const satisfies Readonly<Record<string, "replicated" | "local">>;

type Owned<Class> = {
  [Name in keyof typeof OWNERSHIP]: (typeof OWNERSHIP)[Name] extends Class ? Name : never;
}[keyof typeof OWNERSHIP];

/** A check script's file; the folder's class is what lets it travel. */
export type ScriptName = `${Extract<Owned<"replicated">, "health-checks">}/${string}`;
/** The name of a file that may travel. A local file's name is not one: it does not compile. */
export type ReplicatedName = Exclude<Owned<"replicated">, "health-checks"> | ScriptName;

/** Letters, digits, dot, underscore, hyphen; begins with a letter or digit, so never `..`. */
const SCRIPT_NAME = /^health-checks\/[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

export const isScriptName = (name: string): name is ScriptName => SCRIPT_NAME.test(name);

/** Whether a name, from a disk or from a peer, is that of a replicated file. */
export function isReplicatedName(name: string): name is ReplicatedName {
  if (isScriptName(name)) return true;
  if (name === "health-checks" || !Object.hasOwn(OWNERSHIP, name)) return false;
  return OWNERSHIP[name as keyof typeof OWNERSHIP] === "replicated";
}

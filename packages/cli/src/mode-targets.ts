// mode-targets.ts — which real servers a person means: one, all of a service, or a machine wherever it serves.
import { judgeServerName, type NamedServer } from "./server-names.js";

export type Targets =
  | { readonly ok: true; readonly ids: readonly string[] }
  | { readonly ok: false; readonly wrong: readonly string[] };

const labelOf = (id: string): string => id.slice(id.indexOf("/") + 1);

/** Everything that has the address of what is named: by SERVICE/SERVER, by label or by address. */
function everywhere(name: string, known: readonly NamedServer[]): string[] | string {
  const named = known.filter(
    ({ id, address }) => id === name || address === name || labelOf(id) === name,
  );
  const addresses = [...new Set(named.map(({ address }) => address))];
  const [address] = addresses;
  if (address === undefined) {
    const ids = known.map(({ id }) => id);
    return judgeServerName(name, ids) ?? `${name}: no real server has this name or address`;
  }
  if (addresses.length > 1) {
    return `${name}: want one machine, but ${addresses.join(" and ")} have this label; name its address`;
  }
  return known.filter((one) => one.address === address).map(({ id }) => id);
}

/** `known` null = nobody could tell which there are: then only whole names can be taken. */
export function findTargets(
  names: readonly string[],
  known: readonly NamedServer[] | null,
  allServices: boolean,
): Targets {
  const ids: string[] = [];
  const wrong: string[] = [];
  for (const name of names) {
    if (known === null) {
      if (name.includes("/") && !allServices) ids.push(name);
      else wrong.push(`${name}: want SERVICE/SERVER`);
      continue;
    }
    const found = allServices
      ? everywhere(name, known)
      : known.filter(({ id }) => id.startsWith(`${name}/`)).map(({ id }) => id);
    if (typeof found === "string") wrong.push(found);
    else if (found.length > 0) ids.push(...found);
    else {
      const judged = judgeServerName(
        name,
        known.map(({ id }) => id),
      );
      if (judged === null) ids.push(name);
      else wrong.push(judged);
    }
  }
  return wrong.length > 0 ? { ok: false, wrong } : { ok: true, ids: [...new Set(ids)] };
}

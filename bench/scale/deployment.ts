// deployment.ts — the configurations that are measured: the reference deployment, and thousands of services.

export interface Deployment {
  readonly name: string;
  readonly services: number;
  readonly servers: number;
  readonly ports: number;
  readonly yaml: string;
}

const PORTS = "[12000, 12100, 12200, 12300-12301, 12800, 12950]";
const PORTS_EACH = 7;

/** Own networks of the node: VIPs are in one of them, servers in the other. */
export const FRONT = "172.31.255.254/12";
export const BACK = "10.255.255.254/8";

const vip = (i: number): string => `172.16.${i >> 8}.${i & 255}`;
const server = (i: number): string => `10.${i >> 16}.${(i >> 8) & 255}.${1 + (i & 127)}`;

/** `serversOf` says how many real servers the service with a number has; each is its own. */
export function deployment(
  name: string,
  services: number,
  serversOf: (i: number) => number,
): Deployment {
  let servers = 0;
  const text = Array.from({ length: services }, (_, i) => {
    const real = Array.from({ length: serversOf(i) }, (_, n) => {
      // 128 addresses of each 256 are used, so that none ends in 0 or 255.
      const place = servers + n;
      const address = server(((place >> 7) << 8) | (place & 127));
      return `      - { label: s${n}, address: ${address} }\n`;
    });
    servers += real.length;
    return (
      `  - label: svc-${i}\n    address: ${vip(i)}\n    ports: ${PORTS}\n` +
      `    realServers:\n${real.join("")}    check: { type: "on" }\n`
    );
  });
  const yaml = `virtualServices:\n${text.join("")}`;
  return { name, services, servers, ports: services * PORTS_EACH, yaml };
}

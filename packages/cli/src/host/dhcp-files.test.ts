// dhcp-files.test.ts — network configurations as Debian's tools write them, with and without DHCP.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { leasedLinks, namesLink } from "./dhcp-config.js";
import { judgeDhcpFiles } from "./dhcp-files.js";

const root = mkdtempSync(join(tmpdir(), "lbpair-dhcp-"));
after(() => rmSync(root, { recursive: true }));

const CASES: readonly (readonly [file: string, text: string, links: readonly string[]])[] = [
  ["interfaces", "auto eth0\niface eth0 inet dhcp\niface eth1 inet static\n", ["eth0"]],
  ["interfaces", "# iface eth0 inet dhcp\niface lo inet loopback\niface eth0 inet6 auto\n", []],
  ["10.network", "[Match]\nName=eth0 ens*\n\n[Network]\nDHCP=ipv4\n", ["eth0", "ens*"]],
  ["10.network", "[Match]\nName=eth0\n[Network]\nDHCP=ipv6\nAddress=10.0.0.1/24\n", []],
  ["99.network", "[Network]\nDHCP=yes\n", ["*"]],
  ["99.network", "[Match]\nMACAddress=02:00:00:00:00:01\n[Network]\nDHCP=yes\n", []],
  ["a.nmconnection", "[connection]\ninterface-name=eth1\n[ipv4]\nmethod=auto\n", ["eth1"]],
  ["a.nmconnection", "[connection]\ninterface-name=eth1\n[ipv4]\nmethod=manual\n", []],
  ["a.yaml", "network: {version: 2, ethernets: {eth0: {dhcp4: true}, eth1: {}}}", ["eth0"]],
  ["a.yaml", "network: {ethernets: {a: {match: {name: en*}, dhcp4: true}}}", ["en*"]],
  ["a.yaml", "network: [", []],
];

test("DHCP is found in the files of ifupdown, networkd, NetworkManager and netplan", () => {
  for (const [file, text, links] of CASES) assert.deepEqual(leasedLinks(file, text), links, text);
});

test("patterns name links as networkd's do", () => {
  assert.ok(namesLink("en*", "ens3") && namesLink("eth?", "eth0") && namesLink("eth[01]", "eth1"));
  assert.ok(!namesLink("eth0", "eth01") && !namesLink("e.h0", "eth0") && !namesLink("[", "eth0"));
});

test("a link that carries floating IPs and is configured for DHCP is told with the file that says so", async () => {
  const file = join(root, "systemd/network/20-front.network");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "[Match]\nName=eth1\n[Network]\nDHCP=yes\n");
  const judge = (links: string[], here: boolean) =>
    judgeDhcpFiles(links, { root, concerned: async () => here });
  const [problem, ...more] = await judge(["eth0", "eth1"], true);
  assert.deepEqual([problem?.file, problem?.got, more], [file, "DHCP", []]);
  assert.match(problem?.want ?? "", /eth1/);
  assert.deepEqual(await judge(["eth0"], true), []);
  assert.deepEqual(await judge(["eth1"], false), [], "another namespace's links are not meant");
});

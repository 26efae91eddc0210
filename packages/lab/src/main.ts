#!/usr/bin/env node
// main.ts — lbpair-lab: starts the lab, and does harm to the one that runs.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { controlRequest } from "@lbpair/common";
import { Command } from "commander";
import { execIn } from "./control/exec.js";
import { findLab } from "./control/find-lab.js";
import { up } from "./control/up.js";
import type { DoneAnswer } from "./control/verbs.js";
import { HOSTS, type HostName, hostPlan } from "./world/plan.js";

const VERB_MS_MAX = 60_000;

interface LabOption {
  readonly lab?: string;
}

async function ask(options: LabOption, route: string, body: unknown): Promise<unknown> {
  const lab = await findLab(options.lab);
  return controlRequest(lab.controlSocket, route, body, { timeoutMs: VERB_MS_MAX });
}

async function order(options: LabOption, verb: string, body: unknown): Promise<void> {
  const { done } = (await ask(options, `POST /${verb}`, body)) as DoneAnswer;
  process.stdout.write(`${done}\n`);
}

function addFaults(program: Command): void {
  const lab = () => program.opts<LabOption>();
  const onAppliance = (verb: string, what: string) =>
    program
      .command(`${verb} <appliance> [daemon]`)
      .description(`${what}; appliance: lb1, lb2, active, passive; daemon: all where absent`)
      .action((appliance: string, daemon?: string) => order(lab(), verb, { appliance, daemon }));
  for (const verb of ["cut", "plug"] as const) {
    program
      .command(`${verb} <appliance> [network]`)
      .description(verb === "cut" ? "pull an appliance's cables" : "put them in again")
      .action((appliance: string, network?: string) => order(lab(), verb, { appliance, network }));
  }
  program
    .command("kill <appliance> [daemon]")
    .description("kill -9 a daemon, or all; the supervisor starts them again")
    .option("--leave-dead", "it is not started again until `start`")
    .action((appliance: string, daemon: string | undefined, options: { leaveDead?: boolean }) =>
      order(lab(), "kill", { appliance, daemon, leaveDead: options.leaveDead === true }),
    );
  onAppliance("start", "start daemons that were left dead");
  onAppliance("freeze", "SIGSTOP");
  onAppliance("thaw", "SIGCONT");
  program
    .command("reboot <appliance>")
    .description("power off and on: the kernel's state is gone")
    .action((appliance: string) => order(lab(), "reboot", { appliance }));
  program
    .command("partition [network]")
    .description("the appliances do not hear each other on front, back or both")
    .action((network?: string) => order(lab(), "partition", { network }));
  program
    .command("heal")
    .description("every cable in, nothing kept apart")
    .action(() => order(lab(), "heal", {}));
  for (const verb of ["fail", "recover"] as const) {
    program
      .command(`${verb} <cluster>`)
      .description(verb === "fail" ? "end a cluster's servers" : "start them again")
      .action((cluster: string) => order(lab(), verb, { cluster }));
  }
}

function createProgram(): Command {
  const program = new Command("lbpair-lab");
  program
    .description("The failover lab: the reference deployment in network namespaces.")
    .option("--lab <id>", "which lab, where several run")
    .enablePositionalOptions();
  program
    .command("up")
    .description("start the lab, tell the story, stay up")
    .option("--once", "end after the story; exit code 0 where every promise held")
    .option("--no-story", "start the pair and stay")
    .action(async (options: { once?: boolean; story: boolean }) => {
      const id = program.opts<LabOption>().lab;
      process.exitCode = await up({ once: options.once === true, quiet: !options.story, id });
    });
  addFaults(program);
  program
    .command("exec <host> [command...]")
    .description(`run a command on a host: ${HOSTS.map((host) => host.name).join(", ")}`)
    .passThroughOptions()
    .allowUnknownOption()
    .action(async (host: string, command: string[]) => {
      const lab = await findLab(program.opts<LabOption>().lab);
      process.exitCode = await execIn(lab, hostPlan(host as HostName).name, command);
    });
  program
    .command("status")
    .description("what runs, as JSON")
    .action(async () => {
      const answer = await ask(program.opts<LabOption>(), "GET /status", undefined);
      process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    });
  program
    .command("down")
    .description("end the lab and remove everything it made")
    .action(() => order(program.opts<LabOption>(), "down", {}));
  return program;
}

/** Namespaces are root's: asks sudo once, with the same words. */
function becomeRoot(): never {
  const words = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const result = spawnSync("sudo", words, { stdio: "inherit" });
  if (result.error !== undefined) {
    process.stderr.write("lbpair-lab: want to be root (or sudo), because it makes namespaces\n");
  }
  process.exit(result.status ?? 1);
}

if (process.getuid?.() !== 0) becomeRoot();
try {
  await createProgram().parseAsync();
} catch (error) {
  process.stderr.write(`lbpair-lab: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
// The daemons and probes of a story that was broken off must not keep the process.
process.exit();

// faults.ts — everything that goes wrong in a simulated life, by name.
import { DAEMON_FAULTS } from "./daemon-faults.js";
import type { FaultKind } from "./fault-kind.js";
import { KERNEL_FAULTS } from "./kernel-faults.js";
import { MACHINE_FAULTS } from "./machine-faults.js";
import { NETWORK_FAULTS } from "./network-faults.js";

const ALL = { ...NETWORK_FAULTS, ...MACHINE_FAULTS, ...DAEMON_FAULTS, ...KERNEL_FAULTS } as const;

export type FaultName = keyof typeof ALL;
export const FAULTS: Readonly<Record<FaultName, FaultKind>> = ALL;
export const FAULT_NAMES = Object.keys(ALL) as readonly FaultName[];

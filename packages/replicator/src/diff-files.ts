// diff-files.ts — what differs between two sets of files; where one is no YAML, that it differs.
import { type ChangeAnswer, contentHash } from "@lbpair/common";
import { parse } from "yaml";
import { planFiles, type ServiceFiles } from "./core/service-files.js";

/** Aliases are refused everywhere else too: they make a small text a huge value. */
const parsePlain = (text: string): unknown => parse(text, { maxAliasCount: 0, logLevel: "silent" });

/** A half-edited file can be among the two: then only its hash can be shown. */
export function diffFiles(was: ServiceFiles, becomes: ServiceFiles): ChangeAnswer[] {
  try {
    return planFiles(was, becomes, parsePlain);
  } catch {
    const digest = (files: ServiceFiles) => contentHash(new Map([["", files.services]]));
    const [old, next] = [digest(was), digest(becomes)];
    return old === next ? [] : [{ path: "services.yaml", kind: "change", was: old, becomes: next }];
  }
}

// yaml-edit.ts — a program's change to a file that an admin wrote: comments and order stay.
import { isNode, parseDocument } from "yaml";

/** Replaces or, with undefined, removes the value at a path; everything else stays as it was written. */
export function editYaml(text: string, path: readonly (string | number)[], value: unknown): string {
  const document = parseDocument(text);
  if (document.errors.length > 0) {
    throw new Error(`cannot edit: want YAML, got ${document.errors[0]?.message ?? "an error"}`);
  }
  if (value === undefined) document.deleteIn(path);
  else {
    const before = document.getIn(path, true);
    const node = document.createNode(value);
    if (isNode(before)) {
      node.comment = before.comment ?? null;
      node.commentBefore = before.commentBefore ?? null;
      node.spaceBefore = before.spaceBefore ?? false;
    }
    document.setIn(path, node);
  }
  return document.toString({ lineWidth: 0 });
}

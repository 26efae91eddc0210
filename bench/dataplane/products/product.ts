// product.ts — what stands between client and server on one path.
import type { Path, World } from "../world.js";

export interface Product {
  readonly name: string;
  readonly title: string;
  /** For the picture's colours. */
  readonly kind: "routing" | "rule" | "lbpair" | "nftlb" | "proxy";
  /** Sets it up on its own path; answers with the address that clients ask. */
  start(path: Path, world: World): Promise<string>;
}

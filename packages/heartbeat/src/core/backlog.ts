// backlog.ts — what counts of the adverts that queued up while this node stood still: the newest alone.
import type { Advert } from "./advert.js";

export class Backlog {
  private newest: Advert | null = null;
  private reading = false;

  /** Whether adverts of before are still being read. */
  get open(): boolean {
    return this.reading;
  }

  /** From now on adverts are kept here, until `close`. */
  begin(): void {
    this.reading = true;
    this.newest = null;
  }

  /** The conversation hands over only what is newer than all before. */
  keep(advert: Advert): void {
    this.newest = advert;
  }

  /** What is left of it all; a wish or an offer in it may long have been taken back. Null = nothing came. */
  close(): Advert | null {
    const { newest } = this;
    this.reading = false;
    this.newest = null;
    return newest === null ? null : { ...newest, yielding: false, requesting: false };
  }
}

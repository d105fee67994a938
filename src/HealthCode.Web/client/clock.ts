// The region's time on a device whose own clock may be wrong by any amount.

/** A moment as the device counts it. */
type Counted = { steady: number; wall: number };

/** A clock that ran ahead by less than this stands still until it is right; by more, the device's clock was moved. */
const HeldMs = 10_000;

export class RegionClock {
  private answer: (Counted & { region: number }) | undefined;
  private lastShown = 0;

  static count(): Counted {
    return { steady: performance.now(), wall: Date.now() };
  }

  /** Takes the region's moment from an answer, as of when it was asked for: a slow answer makes a code old, never young. */
  set(region: string, asked: Counted): void {
    this.answer = { region: Date.parse(region), ...asked };
  }

  /**
   * Milliseconds since 1970 in the region; undefined before the first answer. The larger of two counts: the steady one
   * may stand still while the device sleeps, and the wall clock may be set back.
   */
  now(): number | undefined {
    if (!this.answer) return undefined;
    const { steady, wall } = RegionClock.count();
    return this.answer.region + Math.max(steady - this.answer.steady, wall - this.answer.wall, 0);
  }

  /** The same to be looked at: a renewal never turns it back. */
  shown(): number | undefined {
    const now = this.now();
    if (now === undefined) return undefined;
    this.lastShown = this.lastShown - now < HeldMs ? Math.max(this.lastShown, now) : now;
    return this.lastShown;
  }
}

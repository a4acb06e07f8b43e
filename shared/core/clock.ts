/** Two clocks: the local run can speed business time up, while leases and timeouts stay real. */
export interface Clock {
  /** Real time, epoch milliseconds. */
  realMs(): number;
  /** Business time, epoch milliseconds: due times, retention, the time stamps of events. */
  businessMs(): number;
}

/** A claim of one worker. `owner` is unique to the attempt. */
export interface Lease {
  owner: string;
  /** Real milliseconds, epoch. */
  untilMs: number;
}

/** Formats epoch milliseconds as ISO 8601 in UTC. An absent time stays absent. */
export function toIso(ms: number): string;
export function toIso(ms: number | undefined): string | undefined;
export function toIso(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

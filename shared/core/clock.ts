/** Two clocks: the local run may speed business time up, leases and timeouts stay real. */
export interface Clock {
  /** Real time, epoch milliseconds. */
  realMs(): number;
  /** Business time, epoch milliseconds: due times, retention, what events are stamped with. */
  businessMs(): number;
}

/** Who claims, and until when: `owner` is unique to the attempt. */
export interface Lease {
  owner: string;
  /** Real milliseconds, epoch. */
  untilMs: number;
}

/** The time at which a test clock begins. */
export const NOON_MS: number = Date.UTC(2026, 5, 25, 12);

/** The time so many seconds after noon. */
export const ms = (seconds: number): number => NOON_MS + seconds * 1_000;
export const iso = (seconds: number): string => new Date(ms(seconds)).toISOString();

import type { RequestRules } from "./request-rules.ts";

/** The times and rules by which a decision is made. */
export interface DecisionContext {
  /** Business time. */
  nowMs: number;
  /** Real time. */
  nowRealMs: number;
  rules: RequestRules;
}

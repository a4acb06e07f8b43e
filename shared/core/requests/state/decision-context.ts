import type { RequestRules } from "./request-rules.ts";

/** When a decision is made, and by which rules. */
export interface DecisionContext {
  /** Business time. */
  nowMs: number;
  /** Real time. */
  nowRealMs: number;
  rules: RequestRules;
}

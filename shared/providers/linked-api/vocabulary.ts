import { makeVocabulary } from "../../core/providers/vocabulary.ts";

/**
 * Linked API's status words and the types of its errors. Sources: the specification
 * ("Workflow events"), https://linkedapi.io/docs/making-requests/#common-errors, and
 * `@linkedapi/node`, dist/types/errors.d.ts.
 */
export const linkedApiVocabulary = makeVocabulary({
  words: {
    pending: "waiting",
    queued: "waiting",
    scheduled: "waiting",
    created: "waiting",
    waiting: "waiting",
    in_queue: "waiting",
    accepted: "waiting",
    not_found: "absent",
    running: "running",
    started: "running",
    processing: "running",
    in_progress: "running",
    completed: "completed",
    complete: "completed",
    succeeded: "completed",
    success: "completed",
    failed: "failed",
    failure: "failed",
    error: "failed",
    expired: "failed",
    timed_out: "failed",
  },
  suffixes: {},
  codes: {
    // Rate limit. https://linkedapi.io/docs/admin-overview
    tooManyRequests: { consequence: "pauseCategory", keepsRequest: true, isRateLimit: true },
    // The connection's token or subscription: all of its accounts are affected.
    linkedApiTokenRequired: { consequence: "pauseConnection", keepsRequest: true },
    invalidLinkedApiToken: { consequence: "pauseConnection", keepsRequest: true },
    subscriptionRequired: { consequence: "pauseConnection", keepsRequest: true },
    // The token of one account, or its LinkedIn session: its user must connect it again.
    identificationTokenRequired: { consequence: "pauseAccount", keepsRequest: true },
    invalidIdentificationToken: { consequence: "pauseAccount", keepsRequest: true },
    linkedinAccountSignedOut: { consequence: "pauseAccount", keepsRequest: true },
    // Outside the working hours of the account (linkedapi-mcp, handle-linked-api-error.ts).
    outsideWorkingHours: { consequence: "pauseLane", keepsRequest: true },
    workingHoursWaitExpired: { consequence: "pauseLane", keepsRequest: true },
    // LinkedIn allows no more invitations from this account for now.
    requestNotAllowed: { consequence: "pauseCategory" },
    dailyConnectionAttemptsExceeded: { consequence: "pauseCategory" },
    noteLimitExceeded: { consequence: "pauseCategory" },
    // Created by the client library itself: from the provider they mean nothing.
    httpError: { consequence: "ask" },
    workflowTimeout: { consequence: "ask" },
  },
});

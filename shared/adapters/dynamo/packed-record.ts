import { deflateRawSync, inflateRawSync } from "node:zlib";

/**
 * The text that precedes every record for the compression, so that a record costs nothing for what
 * it has in common with all others. It is part of the stored data: it must not change. A better one
 * needs another attribute.
 */
const COMMON_TEXT = [
  '"dependsOn":{"requestId":"rq_","on":"succeeded","on":"event","event":"connection.accepted",',
  '"untilMs":,"afterMs":0,"unless":"message.reply","eventSinceMs":,"unlessSinceMs":,"ancestors":["rq_"],',
  '"keys":["],"metMs":"dependents":["correlationKeys":["recurringId":"isHigh":true,"notAfterMs":17',
  '"blockedAtJoinMs":0,"sealedParams":"v1.k1."sealedInput":"v1.k1."wasForbidden":true,"pendingReason":"',
  '"endTries":1,"actionDeadlineMs":17,"numbersAsText":true,"lateResult":{"inline":"{}"},',
  '"earlierLateResults":[{"inline":"],"lateResultDigests":["unclearReports":[{"atMs":17,"source":"webhook",',
  '"source":"answer","kind":"unrecognised","kind":"contradictory","status":"","eventType":"","body":"{}",',
  '"digest":"claimedInVersion":"raw":{"inline":"key":"requests/rq_/"error":{"code":"","message":""},',
  '"status":"SCHEDULED","status":"QUEUED","status":"SUBMITTING","status":"ACTION_REQUIRED","status":"UNKNOWN",',
  '"category":"stPersonProfileViews","category":"stCompanyPageViews","category":"stSearchQueries",',
  '"category":"stReactions","category":"stEndorsements","category":"stComments","category":"stPosts",',
  '"category":"nvPersonProfileViews","category":"nvCompanyPageViews","category":"nvMessages",',
  '"category":"nvSearchQueries","category":"other","category":"stMessages","category":"stConnectionRequests",',
  '{"inline":"{\\"profile_id\\":\\"\\",\\"message\\":\\"\\",\\"note\\":\\"\\",\\"url\\":\\"https://www.',
  '\\",\\"personUrl\\":\\"\\",\\"actionType\\":\\"st.openPersonPage\\",\\"success\\":true,\\"data\\":{\\"name\\":\\"',
  '\\",\\"headline\\":\\"\\",\\"location\\":\\"\\",\\"publicUrl\\":\\"\\",\\"text\\":\\"',
  '\\",\\"errors\\":[],\\"error\\":{\\"code\\":\\"\\",\\"message\\":\\"\\"},\\"payload\\":{\\"result\\":{\\"status\\":\\"',
  '\\",\\"eventType\\":\\"MESSAGE_SENT\\"\\"eventType\\":\\"PROFILE_VISITED\\"\\"eventType\\":\\"CONNECTION_SENT\\",',
  '\\"status\\":\\"failed\\",\\"status\\":\\"running\\",\\"status\\":\\"completed\\",\\"status\\":\\"pending\\",',
  '"provider":""connectionId":"cn_","action":"connect","category":"st',
  '"status":"RUNNING","createdMs":17,"joinedMs":17,"lanePosition":17,"laneState":"waiting","laneState":"holding",',
  '"takenMs":17,"submittedMs":17,"finishedMs":17,"holdUntilMs":17,"params":{"inline":"{\\"',
  '"owner":"","sendingUntilRealMs":17,"providerRequestId":"req-","result":{"inline":"{\\"',
  '"outcomeDigest":"","deadlineMs":17,"lastEventMs":17,"firstAfterStartMs":17,"nextSubmissionNotBeforeMs":17',
  '"attempts":0,"attempts":1,"polls":0,"polls":1,"isStarted":false,"isStarted":true,"prompts":[],"outbox":[],',
  '"outbox":[{"id":"workflow.resultTruncated":true"workflow.lateResult:rq_"workflow.actionRequired:rq_',
  '"outbox":[{"id":"workflow.completed:rq_","type":"workflow.completed","version":6,"sinceRealMs":17,',
  '"outbox":[{"id":"workflow.started:rq_","type":"workflow.started","version":4,"sinceRealMs":17,',
  '"outbox":[{"id":"workflow.created:rq_","type":"workflow.created","version":1,"sinceRealMs":17,',
  '"envelope":{"inline":"{\\"id\\":\\"workflow.created:rq_\\",\\"type\\":\\"workflow.created\\",',
  '\\"createdAt\\":\\"2026-12-31T23:59:59.999Z\\",\\"data\\":{\\"requestId\\":\\"rq_\\",\\"workflowId\\":\\"rq_',
  '\\",\\"providerRequestId\\":\\"req-\\",\\"accountId\\":\\"\\",\\"provider\\":\\"\\"action\\":\\"connect',
  '\\",\\"status\\":\\"pending\\",\\"eventType\\":\\"UNKNOWN\\"}}"}}],',
].join("");

/** What the item says of the record beside the packed part, and the packed part need not repeat. */
export interface PackedFor {
  id: string;
  accountId: string;
}

const dictionaryOf = ({ id, accountId }: PackedFor) =>
  Buffer.from(`${COMMON_TEXT}"${accountId}\\",${id}`);

/**
 * Returns a record as one attribute: its JSON as raw DEFLATE, with a preset dictionary. DynamoDB
 * bills each write of an item by its size in KB, and counts the names of attributes too.
 */
export function packRecord(of: PackedFor, record: object): Uint8Array {
  return deflateRawSync(JSON.stringify(record), { dictionary: dictionaryOf(of) });
}

/** Returns what `packRecord` has packed. @throws Error if it is something else */
export function unpackRecord(of: PackedFor, packed: Uint8Array): unknown {
  return JSON.parse(inflateRawSync(packed, { dictionary: dictionaryOf(of) }).toString("utf8"));
}

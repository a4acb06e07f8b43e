import type { DeliveryView } from "../../shared/contracts/http/deliveries.ts";
import { forEach } from "../run/api.ts";
import { count, percentile, type Report } from "../run/report.ts";
import type { BenchEvent } from "./events.ts";
import type { Load } from "./load.ts";
import { checkSchedule, hours, MAX_ATTEMPTS } from "./schedule.ts";
import { deliveriesOf, type Subscriber, webhookOf } from "./subscribers.ts";

interface Checked {
  report: Report;
  load: Load;
  speed: number;
  slackSeconds: number;
}

const keyOf = (n: number, eventId: string) => `${n} ${eventId}`;

const isOver = ({ status }: DeliveryView) =>
  status === "delivered" || status === "failed" || status === "cancelled";

type Views = Map<string, DeliveryView>;

/** Looks at every delivery from each side on which it can be seen. */
export async function checkDeliveries(of: Checked): Promise<void> {
  const { report, load } = of;
  report.note("every delivery is read …");
  const views: Views = new Map();
  await forEach(load.subscribers, 4, async (subscriber) => {
    for (const view of await deliveriesOf(subscriber)) {
      views.set(keyOf(subscriber.n, view.eventId), view);
    }
  });
  checkEnds(of, views);
  checkTimes(of, views);
  checkAlarms(of, views);
  checkPosts(of, views);
  await checkDisabled(of, views);
  report.check("the run printed no fault", load.run.faults());
}

function checkEnds({ report, load }: Checked, views: Views): void {
  const { events, subscribers } = load;
  for (const behaviour of new Set(subscribers.map((one) => one.behaviour))) {
    const its = viewsOf(
      subscribers.filter((one) => one.behaviour === behaviour),
      load,
      views,
    );
    const ends = its.map(({ status, reason }) => `${status}${reason ? ` (${reason})` : ""}`);
    report.figure(`endpoint ${behaviour}`, count(ends));
  }
  report.check(`each of the ${events.length} events became a delivery, and nothing else did`, [
    ...events.filter((event) => !views.has(keyOf(event.endpoint, event.id))).map(({ id }) => id),
    ...(views.size > events.length ? [`${views.size} deliveries`] : []),
  ]);
  const all = [...views.values()];
  report.check(
    "every delivery ended delivered, failed or cancelled",
    all.filter((one) => !isOver(one)).map(({ id, status }) => `${id}: ${status}`),
  );
  report.check(
    "delivered where the endpoint is healthy, and failed where it is not",
    subscribers.flatMap((subscriber) =>
      viewsOf([subscriber], load, views)
        .filter(({ status }) => (status === "delivered") !== (subscriber.behaviour === "healthy"))
        .map(({ id, status }) => `${subscriber.behaviour} ${subscriber.n}, ${id}: ${status}`),
    ),
  );
  report.check(
    `no delivery has more than ${MAX_ATTEMPTS} attempts, and what failed by them has no fewer`,
    all
      .filter(({ attempts, reason }) =>
        reason === "attempts_used"
          ? attempts.length !== MAX_ATTEMPTS
          : attempts.length > MAX_ATTEMPTS,
      )
      .map(({ id, attempts }) => `${id}: ${attempts.length}`),
  );
}

function checkTimes({ report, speed, slackSeconds }: Checked, views: Views): void {
  const found = checkSchedule([...views.values()], { speed, slackRealMs: slackSeconds * 1000 });
  report.check("no attempt came early", found.early);
  report.check(
    `none came later than jitter, breaker, sweep and ${slackSeconds} real seconds of queues allow`,
    found.late,
  );
  const late = [0.5, 0.99, 1].map((share) => percentile(found.latenessRealMs, share) / 1000);
  const [p50, p99, max] = late.map((seconds) => seconds.toFixed(1));
  report.figure("after the jitter's end (real; p50 / p99 / max)", `${p50} / ${p99} / ${max} s`);
  report.figure("first to last attempt (min / median / max)", hours(found.spansMs));
}

function checkAlarms({ report, load }: Checked, views: Views): void {
  const failed = [...views.values()].filter(({ status }) => status === "failed");
  const published = load.failures.published();
  const publishedIds = new Set(published.map(({ id }) => id));
  const wanted = new Set(failed.map(({ id, cycle }) => `delivery.failed:${id}:${cycle}`));
  report.figure(
    "failed; delivery.failed; published in all",
    `${failed.length}; ${publishedIds.size}; ${published.length}`,
  );
  report.check(
    "each failed delivery has its delivery.failed on the bus",
    [...wanted].filter((id) => !publishedIds.has(id)),
  );
  report.check(
    "and nothing else has",
    [...publishedIds].filter((id) => !wanted.has(id)),
  );
  const counted = metricSum(load.run.logged(), "DeliveryFailed");
  report.check(
    "the metric DeliveryFailed counts as many",
    counted === failed.length ? [] : [`${counted}, not ${failed.length}`],
  );
}

function checkPosts({ report, load }: Checked, views: Views): void {
  const { posts } = load.endpoints;
  report.figure("POSTs", posts.length);
  report.check(
    "every POST is signed according to Standard Webhooks and arrived at an endpoint: no redirect was followed",
    posts.flatMap(({ id, fault }) => (fault === undefined ? [] : [`${id}: ${fault}`])),
  );
  const wanted = new Map(load.events.map((event) => [keyOf(event.endpoint, event.id), event]));
  report.check(
    "and brings the event's own bytes, each time",
    posts
      .filter(({ endpoint, id, sha256 }) => wanted.get(keyOf(endpoint, id))?.sha256 !== sha256)
      .map(({ endpoint, id }) => `${id} at ${endpoint}`),
  );
  const times = Map.groupBy(posts, ({ endpoint, id }) => keyOf(endpoint, id));
  const timesOf = (event: BenchEvent) => times.get(keyOf(event.endpoint, event.id))?.length ?? 0;
  const healthy = new Set(
    load.subscribers.filter(({ behaviour }) => behaviour === "healthy").map(({ n }) => n),
  );
  report.check(
    "each healthy endpoint got each event exactly once",
    load.events
      .filter((event) => healthy.has(event.endpoint) && timesOf(event) !== 1)
      .map((event) => `${event.id}: ${timesOf(event)} times`),
  );
  report.check(
    "none got more POSTs than attempts are recorded",
    load.events
      .filter((event) => {
        const view = views.get(keyOf(event.endpoint, event.id));
        return timesOf(event) > (view?.attempts.length ?? 0);
      })
      .map((event) => `${event.id}: ${timesOf(event)} POSTs`),
  );
}

async function checkDisabled({ report, load }: Checked, views: Views): Promise<void> {
  const gone = load.subscribers.filter(({ behaviour }) => behaviour === "gone");
  const states = await Promise.all(gone.map(webhookOf));
  report.check(
    "webhooks whose endpoint answered 410 are disabled",
    states
      .filter(({ status, disabledReason }) => status !== "disabled" || !disabledReason)
      .map(({ id, status }) => `${id}: ${status}`),
  );
  report.check(
    "and got one POST alone",
    gone.flatMap(({ n }) => {
      const posts = load.endpoints.posts.filter(({ endpoint }) => endpoint === n);
      const attempts = viewsOf(gone, load, views).flatMap((view) => view.attempts);
      return posts.length === 1 && attempts.length === gone.length
        ? []
        : [`endpoint ${n}: ${posts.length} POSTs, ${attempts.length} attempts at all of them`];
    }),
  );
}

function viewsOf(subscribers: readonly Subscriber[], { events }: Load, views: Views) {
  const numbers = new Set(subscribers.map(({ n }) => n));
  return events
    .filter(({ endpoint }) => numbers.has(endpoint))
    .flatMap(({ endpoint, id }) => views.get(keyOf(endpoint, id)) ?? []);
}

/** Of all that functions wrote in CloudWatch's embedded format. */
function metricSum(log: string, name: string): number {
  return log
    .split("\n")
    .filter((line) => line.includes('"_aws"') && line.includes(`"${name}"`))
    .map((line) => (JSON.parse(line.slice(line.indexOf("{"))) as Record<string, unknown>)[name])
    .flatMap((value) => (Array.isArray(value) ? value : [value]))
    .reduce((sum, value) => sum + Number(value), 0);
}

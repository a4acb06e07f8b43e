import type { PostResult, WebhookPost } from "../../../shared/core/deliveries/state/ports.ts";

type Post = (webhook: WebhookPost) => Promise<PostResult>;

let post: Post | undefined;

export function receivePosts(by: Post): void {
  post = by;
}

/** Takes the place of `shared/adapters/http/http-webhook-poster.ts`. */
export function makeHttpWebhookPoster() {
  return {
    async post(webhook: WebhookPost): Promise<PostResult> {
      if (!post) throw new Error("no simulation is running");
      return post(webhook);
    },
  };
}

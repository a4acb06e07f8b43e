import { operatorScopes } from "../shared/contracts/http/operator/operation.ts";
import { paceLimitPresets } from "../shared/contracts/pace.ts";
import { providerId } from "../shared/contracts/providers.ts";
import { credentialHeaders } from "./options.ts";

const providers = providerId.options.join("|");

/** The settings with which a connection verifies webhooks. */
const verification = `[--signature enforce|quarantine] [--hash-forms raw,json,python,jwt]
                                  [--allow-unbound-jwt yes|no] [--verify-by-fetch yes|no]`;

/** What `npm run admin -- --help` prints. */
export const usage = `npm run admin -- COMMAND [options]

  clients create --name NAME
  clients list                    also lists those of earlier versions for the operator API
  keys create                     --client ID [--scope read|write] [--expires TIME]
  keys list                       --client ID
  keys revoke                     --client ID --key ID
  operator-keys create            --name NAME --scope ${operatorScopes.join("|")} [--expires TIME]
  operator-keys list
  operator-keys revoke            --key ID
  connections create              --client ID --provider ${providers}
                                  [--webhook-secret-file FILE] [--credentials-file FILE]
                                  ${verification}
  connections list                --client ID
  connections set                 --client ID --connection ID [--status active|paused] [--credentials-file FILE]
                                  ${verification}
  connections rotate-token        --client ID --connection ID [--overlap-hours 0-24]
  connections rotate-secret       --client ID --connection ID --webhook-secret-file FILE [--overlap-hours 0-24]
  connections delete              --client ID --connection ID
  quarantine list | release       --client ID --connection ID
  accounts add                    --client ID --connection ID --account ID
                                  [--identification-token-file FILE]
  accounts list                   --client ID
  accounts budget                 --client ID --account ID [--provider ${providers}] [--connection ID]
  accounts set                    --client ID --account ID [--provider ${providers}] [--connection ID]
                                  [--pace MIN-MAX] [--preset ${paceLimitPresets.join("|")}]
                                  [--hours "mon-fri 09:00-18:00 Europe/Berlin"|off]
                                  [--warm-up DAYS:FROM|off] [--limit CATEGORY/WINDOW=MAX|off|preset]…
  accounts pause | resume         --client ID --account ID [--provider ${providers}] [--connection ID]
  erase                           --client ID [--account ID | --containing TEXT] [--yes]   counts; erases with --yes
  requests hold-restored          [--yes]   after a restore: what may have been submitted since is not sent again
  dead-letters list
  dead-letters show               --queue inbound|submit|…   ids, times and sizes, no content
  dead-letters drop               --queue inbound|submit|… --message ID --to FILE   saves it, then deletes it
  dead-letters redrive            [--queue inbound|submit|…]   moves them back; all queues by default

  queues depth                    --url URL
  logs                            --function NAME --pattern PATTERN   of a local run
  counted                         --function NAME --metric NAME       of a local run

  --why TEXT     of any change: kept in its audit record

Where:
  --local        the local run of this folder (.ackwire/local.json)
  --stack NAME   a deployed stack, with your AWS credentials   (default ackwire-dev);
                 ackwire-local is the local run of this folder

Secrets are read from a file, or from standard input with "-", so that they do not
appear in the shell's history. --credentials-file holds a JSON object of the headers
that authenticate you at the provider (${credentialHeaders()}).
New keys and inbound URLs are shown only once.`;

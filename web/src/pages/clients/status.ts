// What a client is, in one word, and what is worth a mark beside its name.
import { daysSince, now } from '../../lib/format';
import type { Client } from '../../lib/model';

export function status(c: Client): string {
	if (c.expires_at && new Date(c.expires_at).getTime() <= now.value)
		return 'expired';
	return !c.enabled ? 'disabled' : c.state === 'over_quota' ? 'over_quota' : c.link_state;
}

export const UNUSED_DAYS = 30;
export const KEY_DAYS = 365;

export function unusedSince(c: Client): string | null {
	const from = c.last_seen ?? c.created_at;
	return c.link_state !== 'online' && daysSince(from) >= UNUSED_DAYS ? from : null;
}

export function fileName(c: Client): string {
	// An interface name has at most 15 characters.
	return `${(c.dns_name ?? 'warren').slice(0, 15).replace(/-+$/, '')}.conf`;
}

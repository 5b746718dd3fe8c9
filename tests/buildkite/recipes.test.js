// The recipe with session tags, in the real agent: pipeline and trust policy are those of the page, the sandbox mints the
// token as the plugin asks for it, and decides by the policy.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { missing } from '../js/support/programs.js';
import { Recipe } from '../js/support/recipes.js';
import { useAgent } from './agent.js';
import { CONFIG } from './services.js';

const ROLE = 'arn:aws:iam::123456789012:role/pipelines';
const recipe = new Recipe('abac-tags');
const trust = recipe.roles.get(ROLE)?.trust;
const job = { buildkite: { ...CONFIG.job.buildkite, organization_id: '0184990a-1111-4222-8333-444455556666' } };

/** @param {any} trustPolicy */
const config = (trustPolicy) => ({ ...CONFIG, job, roles: [{ arn: ROLE, maxSessionDuration: 3600, trustPolicy }] });

describe('session tags', { skip: missing('buildkite-agent', 'check-jsonschema') }, () => {
	const options = () => ({ ...recipe.buildkite(), 'sts-endpoint': '{sts}' });

	describe('with the policy of the page', () => {
		const start = useAgent(config(trust));

		test('the pipeline of the page gets in, and its session has the tag', async (t) => {
			const pipeline = await start(t);
			const ran = await pipeline.run({ config: options() });
			pipeline.assertHandedOver(ran, { role: ROLE });
			const [asked] = pipeline.services.asked;
			assert.deepEqual([asked.claims, asked.aws_session_tags], [['organization_id', 'pipeline_id'], ['pipeline_id']]);
			const [, payload = ''] = (pipeline.services.exchanged[0]?.WebIdentityToken ?? '').split('.');
			const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
			const tags = { pipeline_id: [claims.pipeline_id] };
			assert.deepEqual(claims['https://aws.amazon.com/tags'].principal_tags, tags);
		});

		for (const [what, change] of Object.entries({
			'without tags': { 'session-tags': undefined },
			'with another tag besides': { 'session-tags': ['pipeline_id', 'build_branch'] },
			'without the id of the organization': { claims: ['pipeline_id'] },
		})) {
			test(`${what}, nobody gets in`, async (t) => {
				const pipeline = await start(t);
				const ran = await pipeline.run({ config: { ...options(), ...change } });
				pipeline.assertRefused(ran, 4, 'not-authorized');
			});
		}
	});

	describe('without sts:TagSession', () => {
		const without = structuredClone(trust);
		without.Statement[0].Action = 'sts:AssumeRoleWithWebIdentity';
		const start = useAgent(config(without));

		test('the message says what is missing', async (t) => {
			const pipeline = await start(t);
			const ran = await pipeline.run({ config: options() });
			pipeline.assertRefused(ran, 4, 'tag-session-not-allowed');
			recipe.says('tags not allowed', ran.log);
		});
	});
});

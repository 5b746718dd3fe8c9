// Policies as people write them, alone and in an account, with the claims that they are about.

/** A policy as people write them: every third with something to find. @param {number} at */
export function policy(at) {
	const host = 'token.actions.githubusercontent.com';
	const ref = 'ref:refs/heads/main';
	const both = [`repo:acme/app-${at}:${ref}`, `repo:acme@9919/app-${at}@${1000 + at}:${ref}`];
	const sub = at % 3 === 0 ? `repo:acme/app-${at}:*` : both;
	return {
		Version: '2012-10-17',
		Statement: [
			{
				Effect: 'Allow',
				Principal: { Federated: `arn:aws:iam::111122223333:oidc-provider/${host}` },
				Action: 'sts:AssumeRoleWithWebIdentity',
				Condition: {
					StringEquals: { [`${host}:aud`]: 'sts.amazonaws.com', [`${host}:repository_id`]: String(1000 + at) },
					StringLike: { [`${host}:sub`]: sub },
				},
			},
		],
	};
}

/** @param {number} at */
export function claimsOf(at) {
	return {
		iss: 'https://token.actions.githubusercontent.com',
		aud: 'sts.amazonaws.com',
		sub: `repo:acme/app-${at}:ref:refs/heads/main`,
		repository: `acme/app-${at}`,
		repository_id: String(1000 + at),
		repository_owner_id: '9919',
		ref: 'refs/heads/main',
	};
}

/** As `aws iam get-account-authorization-details` prints it. @param {number} count */
export function account(count) {
	return {
		UserDetailList: [],
		GroupDetailList: [],
		RoleDetailList: Array.from({ length: count }, (_, at) => ({
			Path: '/',
			RoleName: `role-${at}`,
			RoleId: `AROA${String(at).padStart(17, '0')}`,
			Arn: `arn:aws:iam::111122223333:role/role-${at}`,
			CreateDate: '2026-01-01T00:00:00+00:00',
			AssumeRolePolicyDocument: policy(at),
			InstanceProfileList: [],
			RolePolicyList: [
				{
					PolicyName: 'own',
					PolicyDocument: {
						Version: '2012-10-17',
						Statement: [
							{ Effect: 'Allow', Action: ['s3:GetObject', 's3:PutObject'], Resource: `arn:aws:s3:::bucket-${at}/*` },
						],
					},
				},
			],
			AttachedManagedPolicies: [{ PolicyName: 'ReadOnlyAccess', PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }],
			Tags: [{ Key: 'team', Value: `team-${at % 50}` }],
		})),
		Policies: [],
	};
}

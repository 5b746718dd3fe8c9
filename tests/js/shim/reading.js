// What the reader makes of bytes that come in parts, and then end.

import { AnswerReader, Refusal } from '../../../js/fetch-node.js';

export const LIMIT = 64 * 1024;

/**
 * @typedef {{ status: number, headers: Record<string, string>, body: string, rest?: string }} Answer
 * @typedef {{ refused: string, body?: never }} Refused
 * @typedef {{ lost: true, body?: never }} Lost the connection ended too early
 */

/**
 * @param {Buffer[]} parts
 * @param {string} [method]
 * @returns {Answer | Refused | Lost}
 */
export function read(parts, method = 'GET') {
	const reader = new AnswerReader(method, LIMIT);
	try {
		for (const part of parts) if (reader.push(part)) break;
	} catch (error) {
		if (error instanceof Refusal) return { refused: error.code };
		throw error;
	}
	if (!reader.end()) return { lost: true };
	const { status, headers, body, rest } = reader;
	return { status, headers, body: body.toString('latin1'), rest: rest.toString('latin1') };
}

// Package ccm is a client for the CC-Messaging HTTP API of a contact centre (AICC / CEC, "web client access").
//
// A [Visitor] is one conversation's side at the centre. [Client.Send] carries what the visitor does (CONNECT, CHAT,
// TRANS2AGENT, DISCONNECT), [Client.Poll] fetches what the centre answers, [Client.History] and [Client.QueueInfo]
// tell afterwards what happened to a call whose answer never came.
//
// # Tokens
//
// Two tokens are needed and looked after here. The AccessToken (tokenByAkSk) belongs to the application; it is renewed
// before it runs out, and once when the gateway answers 403. The ccmessaging-token (applyToken) belongs to one visitor;
// it is replaced by the value of the response header of that name, and applied for again once when the centre answers
// 401. After either renewal the call is repeated once: both statuses mean that it was not carried out. Concurrent
// callers share one renewal.
//
// # Certainty
//
// Every failure is an [*Error]. Its Certainty tells whether the call can have had an effect:
//
//   - NotDone: no connection was made, or the answer is a 4xx other than 408, or HTTP 200 with a result code other than 0.
//   - InDoubt: everything else. The request was, or may have been, on its way: time-out, reset, 5xx, an answer that
//     cannot be understood.
//
// The client never repeats a request that may have arrived. It also keeps net/http from doing so.
//
// # What errors do not contain
//
// No token, no secret and no text of a customer or agent: server texts are cut, cleaned, and left out altogether where
// the call carried somebody's words.
package ccm

package config

import "strings"

func decodeCCM(s *section) CCM {
	ccm := CCM{
		BaseURL: strings.TrimRight(s.required("base_url", `the centre's address, such as "https://service.besclouds.com"`, isURL), "/"),
		AuthURL: strings.TrimRight(s.text("auth_url", "", isURL), "/"),
		AppKey:  s.required("app_key", `the centre's application key, or "env:CCM_APP_KEY"`, hasNoSpace),
		AppSecret: s.secret("app_secret",
			`"env:CCM_APP_SECRET", and the centre's application secret into that variable`),
		ChannelID:   s.text("channel_id", "", hasNoSpace),
		Locale:      s.text("locale", "en", isLocale),
		CAFile:      s.text("ca_file", ""),
		TenantSpace: s.text("tenant_space", ""),
		Receive:     s.text("receive", "poll", notYet("push", `"poll"`), oneOf("poll", "push")),
		OnUnknown:   s.text("on_unknown", "repeat", oneOf("repeat", "ask")),
	}
	if ccm.AuthURL == "" {
		ccm.AuthURL = ccm.BaseURL
		s.follows("auth_url", ccm.AuthURL)
	}
	if ccm.CAFile != "" {
		ccm.CAFile = s.ref.path(ccm.CAFile)
		text, p := readCertificates(ccm.CAFile)
		if p != nil {
			s.report(s.at("ca_file"), p)
		}
		s.hidden[keyPath(s.path, "ca_file")] = NewSecret(text)
	}
	if _, found := s.get("push_secret"); found && ccm.Receive == "poll" {
		s.warn(s.at("push_secret"), `is of no use with receive = "poll"`, "nothing here")
	}
	return ccm
}

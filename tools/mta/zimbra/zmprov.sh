#!/bin/sh
# Zimbra: run as the user zimbra on each MTA, line by line or whole. For rep.example put your base.
# zmconfigd carries changes out within two minutes; it knows these four kinds of restriction and no
# others, so neither HELO names nor lists of whom to let pass. Postfix then has the lists without a
# filter of values: leave error answers at REFUSED, as they come, and never name the zones hint, spf
# or ok here.
set -eu
zmprov mcf +zimbraMtaRestriction "reject_rbl_client ip.rep.example"
zmprov mcf +zimbraMtaRestriction "reject_rhsbl_sender dom.rep.example"

# postscreen; it may use informational zones too, as in ../postfix/postscreen.cf
zmprov mcf +zimbraMtaPostscreenDnsblSites 'ip.rep.example=127.0.0.[2;3;9]*4'
zmprov mcf +zimbraMtaPostscreenDnsblSites 'hint.rep.example=127.0.0.[4..7]*2'
zmprov mcf +zimbraMtaPostscreenDnsblSites 'hint.rep.example=127.0.0.[10..12]*1'
zmprov mcf +zimbraMtaPostscreenDnsblSites 'ok.rep.example=127.0.[0..255].[2..3]*-4'
zmprov mcf zimbraMtaPostscreenDnsblThreshold 4 zimbraMtaPostscreenDnsblAction enforce

# SpamAssassin within amavis: copy ../spamassassin/repdns.cf and repdns.pre to
#     /opt/zimbra/data/spamassassin/localrules/
# and restart amavis: zmamavisdctl restart

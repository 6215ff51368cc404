"""The dashboard: pages for operators and users, made on the server from the same use cases as the API.

routes            the dashboard's rows of the route table
session           the session of a signed-in browser, sealed into a cookie
sign_in           signing in and out; `sign_in_attempts` limits how often it may fail
page              what a page is given and returns, and its reply with the headers of every page
rendering         markup from a template and a read model
forms             a form for any action, from its request struct
action_pages      the pages of any action: its form, its confirmation, its reply
navigation        the menu, by what the visitor's role permits
relay             calls of the playground, under the session instead of an API key
static_files      the stylesheet and the scripts
pages/            the pages that are designed by hand, one module each
"""

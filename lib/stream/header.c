#include "header.h"

#include <jansson.h>
#include <stdlib.h>

struct stream_header {
	json_t *json; /* NULL for somebody else's */
};

static struct stream_header *wrap(json_t *json, struct err *err)
{
	struct stream_header *header = calloc(1, sizeof(*header));
	if (!header) {
		json_decref(json);
		err_memory(err, "a stream's header");
		return NULL;
	}
	header->json = json;
	return header;
}

struct stream_header *stream_header_new(struct err *err)
{
	json_t *json = json_pack("{s:i}", "format", STREAM_FORMAT);
	if (!json) {
		err_memory(err, "a stream's header");
		return NULL;
	}
	return wrap(json, err);
}

struct stream_header *stream_header_foreign(struct err *err)
{
	return wrap(NULL, err);
}

struct stream_header *stream_header_parse(struct slice text, struct err *err)
{
	json_error_t why;
	json_t *json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &why);
	if (!json || !json_is_object(json)) {
		err_set(err, ERR_INPUT, "the stream's header is damaged: %s",
		        json ? "it is no JSON object" : why.text);
		json_decref(json);
		return NULL;
	}
	json_int_t format = json_integer_value(json_object_get(json, "format"));
	if (format < 1 || format > STREAM_FORMAT) {
		err_set(err, ERR_INPUT,
		        "the stream has format %lld, this version reads up to %d: use a newer idkit",
		        (long long)format, STREAM_FORMAT);
		json_decref(json);
		return NULL;
	}
	return wrap(json, err);
}

struct stream_header *stream_header_copy(const struct stream_header *header, struct err *err)
{
	json_t *json = NULL;
	if (header->json) {
		json = json_deep_copy(header->json);
		if (!json) {
			err_memory(err, "a stream's header");
			return NULL;
		}
	}
	return wrap(json, err);
}

void stream_header_free(struct stream_header *header)
{
	if (!header)
		return;
	json_decref(header->json);
	free(header);
}

bool stream_header_own(const struct stream_header *header)
{
	return header->json != NULL;
}

const char *stream_header_get(const struct stream_header *header, const char *key)
{
	return json_string_value(json_object_get(header->json, key));
}

static int put(struct stream_header *header, const char *key, json_t *value, struct err *err)
{
	if (!value)
		return err_set(err, ERR_INPUT,
		               "the stream's header can't hold \"%s\": it is not UTF-8", key);
	if (json_object_set_new(header->json, key, value) < 0)
		return err_memory(err, "a stream's header");
	return 0;
}

int stream_header_set(struct stream_header *header, const char *key, const char *value,
                      struct err *err)
{
	if (!value) {
		json_object_del(header->json, key);
		return 0;
	}
	return put(header, key, json_string(value), err);
}

long stream_header_get_number(const struct stream_header *header, const char *key, long absent)
{
	const json_t *value = json_object_get(header->json, key);
	return json_is_integer(value) ? (long)json_integer_value(value) : absent;
}

int stream_header_set_number(struct stream_header *header, const char *key, long value,
                             struct err *err)
{
	return put(header, key, json_integer(value), err);
}

int stream_header_add_filter(struct stream_header *header, const char *description,
                             struct err *err)
{
	json_t *filters = json_object_get(header->json, "filters");
	if (!json_is_array(filters)) {
		filters = json_array();
		if (put(header, "filters", filters, err) < 0)
			return -1;
	}
	json_t *item = json_string(description);
	if (!item)
		return err_set(err, ERR_USAGE, "a filter's text must be UTF-8: \"%s\"", description);
	if (json_array_append_new(filters, item) < 0)
		return err_memory(err, "a stream's header");
	return 0;
}

static const char *const role_uses[] = { "owner", "acl", "other" };

static json_t *roles_of(const struct stream_header *header, enum stream_role use)
{
	return json_object_get(json_object_get(header->json, "roles"), role_uses[use]);
}

/* An empty list for each use. */
static int begin_roles(struct stream_header *header, struct err *err)
{
	if (json_is_object(json_object_get(header->json, "roles")))
		return 0;
	return put(header, "roles",
	           json_pack("{s:[],s:[],s:[]}", role_uses[0], role_uses[1], role_uses[2]), err);
}

int stream_header_add_role(struct stream_header *header, enum stream_role use, const char *name,
                           struct err *err)
{
	json_t *item = json_string(name);
	if (!item)
		return 0;
	if (begin_roles(header, err) < 0) {
		json_decref(item);
		return -1;
	}
	if (json_array_append_new(roles_of(header, use), item) < 0)
		return err_memory(err, "a stream's header");
	return 0;
}

size_t stream_header_role_count(const struct stream_header *header, enum stream_role use)
{
	return json_array_size(roles_of(header, use));
}

const char *stream_header_role(const struct stream_header *header, enum stream_role use,
                               size_t index)
{
	return json_string_value(json_array_get(roles_of(header, use), index));
}

void stream_header_clear_roles(struct stream_header *header)
{
	json_object_del(header->json, "roles");
}

int stream_header_print(const struct stream_header *header, struct buf *buf, struct err *err)
{
	char *text = json_dumps(header->json, JSON_COMPACT);
	if (!text)
		return err_memory(err, "a stream's header");
	buf_adds(buf, text);
	free(text);
	return buf_check(buf, "a stream's header", err);
}

/* mlinfer info: what a model is, needs and costs; for people and as JSON. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "json_writer.h"
#include "loaded_model.h"
#include "machines.h"
#include "message.h"

typedef void get_port(const mli_model *, uint32_t, mli_port *);
typedef void get_channel(const mli_model *, uint32_t, uint32_t, mli_channel *);

/* Inputs or outputs: the same questions asked of either. */
typedef struct port_list {
    const char *one, *many;
    uint32_t count;
    get_port *port;
    get_channel *channel;
} port_list;

static port_list inputs_of(const mli_info *info)
{
    return (port_list){"in", "inputs", info->inputs, mli_get_input,
                       mli_get_input_channel};
}

static port_list outputs_of(const mli_info *info)
{
    return (port_list){"out", "outputs", info->outputs, mli_get_output,
                       mli_get_output_channel};
}

/* The runtime counts floats; for a stream model per frame of the tile. */
static uint64_t arena_bytes(const mli_info *info, uint32_t floats)
{
    uint64_t frames = info->mode == MLI_STREAM ? TOOL_TILE : 1;
    return (uint64_t)floats * frames * sizeof(float);
}

static const char *cost_unit(mli_mode mode)
{
    static const char *const words[] = {"frame", "window", "list"};
    return words[mode];
}

/* --------------------------------------------------------------- json ---- */

static void json_ports(json_writer *w, const mli_model *model, port_list list)
{
    json_put_open(w, list.many, '[');
    for (uint32_t i = 0; i < list.count; i++) {
        mli_port port;
        list.port(model, i, &port);
        json_put_open(w, NULL, '{');
        json_put_text(w, "name", port.name);
        json_put_text(w, "kind",
                      port.kind == MLI_PORT_CONTROL ? "control" : "signal");
        json_put_count(w, "channels", port.channels);
        json_put_count(w, "frames", port.frames);
        json_put_count(w, "period", port.period);
        json_put_bool(w, "classes", port.classes);
        json_put_open(w, "channel_list", '[');
        for (uint32_t j = 0; j < port.channels; j++) {
            mli_channel channel;
            list.channel(model, i, j, &channel);
            json_put_open(w, NULL, '{');
            json_put_text(w, "label", channel.label);
            json_put_number(w, "low", (double)channel.low);
            json_put_number(w, "high", (double)channel.high);
            json_put_number(w, "initial", (double)channel.initial);
            json_put_close(w, '}');
        }
        json_put_close(w, ']');
        json_put_close(w, '}');
    }
    json_put_close(w, ']');
}

static void json_meta(json_writer *w, const mli_model *model)
{
    const char *key, *value;
    json_put_open(w, "meta", '{');
    for (uint32_t i = 0; mli_get_meta_at(model, i, &key, &value); i++)
        json_put_text(w, key, value);
    json_put_close(w, '}');
}

static void json_machines(json_writer *w, const loaded_model *loaded)
{
    const machine *m;
    json_put_open(w, "machines_estimated", '[');
    for (uint32_t i = 0; (m = machine_at(i)); i++) {
        machine_verdict v = machine_judge(m, loaded);
        json_put_open(w, NULL, '{');
        json_put_text(w, "name", m->name);
        json_put_text(w, "processor", m->processor);
        json_put_bool(w, "realtime", v.realtime);
        json_put_count(w, "block", v.block);
        json_put_number(w, "load", v.load);
        json_put_number(w, "load_at_limit", v.limit);
        json_put_count(w, "least_hop", v.hop);
        json_put_close(w, '}');
    }
    json_put_close(w, ']');
}

static const char *const storages[] = {"f32", "f16", "int8", "int4",
                                       "int8_arithmetic"};

#define STORAGES (sizeof storages / sizeof *storages)

static void print_json(const loaded_model *loaded, const char *path)
{
    const mli_info *info = &loaded->info;
    char buffer[256];
    json_writer w = {stdout, 0, 1};
    json_put_open(&w, NULL, '{');
    json_put_text(&w, "name",
                  loaded_model_name(loaded, path, buffer, sizeof buffer));
    json_put_text(&w, "file", path);
    json_put_text(&w, "mode", mode_word(info->mode));
    json_put_number(&w, "rate", info->rate);
    json_ports(&w, &loaded->model, inputs_of(info));
    json_ports(&w, &loaded->model, outputs_of(info));
    json_put_count(&w, "latency", info->latency);
    json_put_count(&w, "receptive_field", info->receptive_field);
    json_put_count(&w, "window", info->window);
    json_put_count(&w, "hop", info->hop);
    json_put_count(&w, "spread", info->spread);
    json_put_count(&w, "parameters", info->parameters);
    json_put_count(&w, "macs_per_frame", info->macs_per_frame);
    json_put_count(&w, "file_bytes", info->file_bytes);
    json_put_count(&w, "weight_bytes", info->weight_bytes);
    json_put_open(&w, "stored", '{');
    for (size_t i = 0; i < STORAGES; i++)
        json_put_count(&w, storages[i], info->stored[i]);
    json_put_close(&w, '}');
    json_put_count(&w, "state_bytes", loaded->memory.state_bytes);
    json_put_count(&w, "tile", TOOL_TILE);
    json_put_count(&w, "arena_bytes", arena_bytes(info, info->arena_floats));
    json_put_count(&w, "arena_bound_bytes",
                   arena_bytes(info, info->arena_bound_floats));
    json_put_count(&w, "ops", info->ops);
    json_put_count(&w, "steps", info->steps);
    json_machines(&w, loaded);
    json_meta(&w, &loaded->model);
    json_put_close(&w, '}');
}

/* ----------------------------------------------------------- readable ---- */

/* A text of a stranger's file on a terminal: no control characters. */
static void put_clean(const char *text)
{
    for (; *text; text++)
        putchar((unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text);
}

static void print_port(const mli_model *model, const port_list *list,
                       uint32_t index)
{
    mli_port port;
    list->port(model, index, &port);
    printf("%-18s%u: ", list->one, index + 1);
    put_clean(port.name);
    if (port.frames > 1)
        printf(", %u frames of", port.frames);
    else
        putchar(',');
    printf(" %u %s%s", port.channels,
           port.kind == MLI_PORT_CONTROL ? "control value" : "channel",
           port.channels == 1 ? "" : "s");
    if (port.period > 1)
        printf(", a value every %u frames", port.period);
    putchar('\n');
    for (uint32_t j = 0; j < port.channels; j++) {
        mli_channel channel;
        list->channel(model, index, j, &channel);
        int ranged = channel.low != channel.high;
        if (!*channel.label && !ranged)
            continue;
        printf("%-18s   %u: ", "", j + 1);
        put_clean(channel.label);
        if (ranged)
            printf("%s%g to %g", *channel.label ? ", " : "",
                   (double)channel.low, (double)channel.high);
        putchar('\n');
    }
}

static void print_ports(const mli_model *model, port_list list)
{
    for (uint32_t i = 0; i < list.count; i++)
        print_port(model, &list, i);
}

static void print_frames(const char *what, uint32_t frames, double rate)
{
    printf("%-18s%u frame%s", what, frames, frames == 1 ? "" : "s");
    if (rate > 0)
        printf(" (%.3g ms)", 1e3 * frames / rate);
    putchar('\n');
}

static void print_time(const mli_info *info)
{
    if (info->rate > 0)
        printf("%-18s%g Hz\n", "rate", info->rate);
    if (info->mode == MLI_WINDOW) {
        print_frames("window", info->window, info->rate);
        print_frames("hop", info->hop, info->rate);
    }
    if (info->mode == MLI_STEP)
        return;
    print_frames("latency", info->latency, info->rate);
    if (info->spread)
        print_frames("of it spread", info->spread, info->rate);
    if (info->receptive_field)
        print_frames("looks back", info->receptive_field, info->rate);
    else
        printf("%-18s%s\n", "looks back", "without bound (recurrent)");
}

static void print_cost(const loaded_model *loaded)
{
    const mli_info *info = &loaded->info;
    printf("%-18s%llu in %u operators", "parameters",
           (unsigned long long)info->parameters, info->ops);
    if (info->steps < info->ops)
        printf(", fused to %u steps", info->steps);
    putchar('\n');
    printf("%-18s%llu multiply-accumulates a %s", "work",
           (unsigned long long)info->macs_per_frame, cost_unit(info->mode));
    if (info->mode == MLI_STREAM && info->rate > 0)
        printf(", %.4g million a second",
               1e-6 * (double)info->macs_per_frame * info->rate);
    putchar('\n');
    if (info->mode == MLI_STREAM &&
        (double)info->macs_per_frame * info->rate > MLC_MOST_MACS)
        printf("%-18stoo much for real time: no core does %g million\n", "",
               1e-6 * MLC_MOST_MACS);
    printf("%-18sfile %u, weights %u, state %zu, arena %llu (bound %llu) "
           "bytes\n",
           "memory", info->file_bytes, info->weight_bytes,
           loaded->memory.state_bytes,
           (unsigned long long)arena_bytes(info, info->arena_floats),
           (unsigned long long)arena_bytes(info, info->arena_bound_floats));
}

/* In real time or not, where: estimates. */
static void print_machines(const loaded_model *loaded)
{
    static const char *const what[] = {"blocks of", "a hop of", "a list every"};
    const machine *m;
    for (uint32_t i = 0; (m = machine_at(i)); i++) {
        machine_verdict v = machine_judge(m, loaded);
        printf("%-18s%s (%s): %s %u frames take %.*f %% of their time%s",
               i ? "" : "estimated", m->name, m->processor,
               what[loaded->info.mode], v.block, v.load < 0.1 ? 1 : 0,
               100 * v.load, v.realtime ? "" : ", not real time");
        if (!v.realtime && v.hop)
            printf("; it would be at %u", v.hop);
        else if (!v.realtime)
            printf("%s",
                   v.limit > 1 ? "; over the machine's limits" : "; at no hop");
        putchar('\n');
    }
}

/* Only where some are not floats. */
static void print_stored(const mli_info *info)
{
    const char *between = "";
    if (!info->stored[1] && !info->stored[2] && !info->stored[3] &&
        !info->stored[4])
        return;
    printf("%-18s", "weights of layers");
    for (size_t i = 0; i < STORAGES; i++)
        if (info->stored[i]) {
            printf("%s%llu as %s", between, (unsigned long long)info->stored[i],
                   storages[i]);
            between = ", ";
        }
    putchar('\n');
}

/* The first line of a text that has many, as one of examples. */
static void put_first_line(const char *text)
{
    size_t length = strcspn(text, "\n"), lines = 0;
    char line[256];
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    if (!lines) {
        put_clean(text);
        return;
    }
    snprintf(line, sizeof line, "%.*s", (int)length, text);
    put_clean(line);
    printf(" ... (%zu lines)", lines);
}

static void print_readable(const loaded_model *loaded, const char *path)
{
    const char *key, *value;
    char buffer[256];
    printf("%-18s", "name");
    put_clean(loaded_model_name(loaded, path, buffer, sizeof buffer));
    printf("\n%-18s%s\n", "mode", mode_word(loaded->info.mode));
    print_time(&loaded->info);
    print_ports(&loaded->model, inputs_of(&loaded->info));
    print_ports(&loaded->model, outputs_of(&loaded->info));
    print_cost(loaded);
    print_stored(&loaded->info);
    print_machines(loaded);
    for (uint32_t i = 0; mli_get_meta_at(&loaded->model, i, &key, &value); i++)
        if (strcmp(key, "name")) {
            put_clean(key);
            int left = 18 - (int)strlen(key);
            printf("%*s", left > 0 ? left : 1, "");
            put_first_line(value);
            putchar('\n');
        }
}

/* What a build of the runtime must have for it, as make takes it. */
static void print_ops(const loaded_model *loaded)
{
    const char *between = "";
    for (uint32_t part = 0; part < MLI_PARTS; part++)
        if (mli_needs(&loaded->model, part)) {
            printf("%s%s", between, mli_part_name(part));
            between = " ";
        }
    putchar('\n');
}

int mli_tool_info(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"ops", no_argument, NULL, 'o'},
                                            {NULL, 0, NULL, 0}};
    loaded_model loaded;
    int json = 0, ops = 0, option;
    opterr = 0;
    optind = 0; /* glibc: start afresh */
    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (option != 'j' && option != 'o')
            return tool_bad_option(argv, option);
        json |= option == 'j';
        ops |= option == 'o';
    }
    if (json && ops)
        return tool_usage("info: --json or --ops, not both");
    if (optind + 1 != argc)
        return tool_usage("info: expected one MODEL");
    if (loaded_model_open(&loaded, argv[optind], NULL))
        return TOOL_FAILED;
    if (ops)
        print_ops(&loaded);
    else if (json)
        print_json(&loaded, argv[optind]);
    else
        print_readable(&loaded, argv[optind]);
    loaded_model_close(&loaded);
    return TOOL_DONE;
}

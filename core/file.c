#include "file.h"

const uint8_t mli_record_bytes[MLI_SEC_COUNT] = {
    [MLI_SEC_STRINGS] = 1,
    [MLI_SEC_META] = sizeof(mli_file_meta),
    [MLI_SEC_PORTS] = sizeof(mli_file_port),
    [MLI_SEC_CHANNELS] = sizeof(mli_file_channel),
    [MLI_SEC_TENSORS] = sizeof(mli_file_tensor),
    [MLI_SEC_OPS] = sizeof(mli_file_op),
    [MLI_SEC_OPERANDS] = sizeof(uint32_t),
    [MLI_SEC_STATES] = sizeof(mli_file_state),
    [MLI_SEC_DATA] = sizeof(float),
};

mli_file mli_file_of(const void *bytes)
{
    const uint8_t *base = bytes;
    mli_file f;
    f.header = bytes;
    const mli_file_section *section = f.header->section;
    f.strings = (const void *)(base + section[MLI_SEC_STRINGS].offset);
    f.meta = (const void *)(base + section[MLI_SEC_META].offset);
    f.ports = (const void *)(base + section[MLI_SEC_PORTS].offset);
    f.channels = (const void *)(base + section[MLI_SEC_CHANNELS].offset);
    f.tensors = (const void *)(base + section[MLI_SEC_TENSORS].offset);
    f.ops = (const void *)(base + section[MLI_SEC_OPS].offset);
    f.operands = (const void *)(base + section[MLI_SEC_OPERANDS].offset);
    f.states = (const void *)(base + section[MLI_SEC_STATES].offset);
    f.data = (const void *)(base + section[MLI_SEC_DATA].offset);
    for (uint32_t i = 0; i < MLI_SEC_COUNT; i++)
        f.count[i] = section[i].bytes / mli_record_bytes[i];
    return f;
}

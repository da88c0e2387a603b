// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

// What Swift cannot import from libhdf5: macros that call functions or read mutable globals, structures
// whose names changed with the library's version, and callbacks.

#ifndef CHDF5_SHIM_H
#define CHDF5_SHIM_H

#include <hdf5.h>

#if H5_VERSION_GE(1, 12, 0)
typedef H5L_info1_t chdf5_link_info;
typedef H5O_info1_t chdf5_object_info;
#define CHDF5_ITERATE H5Literate1
#else
typedef H5L_info_t chdf5_link_info;
typedef H5O_info_t chdf5_object_info;
#define CHDF5_ITERATE H5Literate
#endif

// Access flags of files.

static inline unsigned chdf5_acc_rdonly(void) { return H5F_ACC_RDONLY; }
static inline unsigned chdf5_acc_trunc(void) { return H5F_ACC_TRUNC; }

// Classes of property lists.

static inline hid_t chdf5_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t chdf5_file_create(void) { return H5P_FILE_CREATE; }
static inline hid_t chdf5_group_create(void) { return H5P_GROUP_CREATE; }
static inline hid_t chdf5_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline hid_t chdf5_link_create(void) { return H5P_LINK_CREATE; }
static inline hid_t chdf5_link_access(void) { return H5P_LINK_ACCESS; }

// Types, owned by the library.

static inline hid_t chdf5_u8(void) { return H5T_STD_U8LE; }
static inline hid_t chdf5_u16(void) { return H5T_STD_U16LE; }
static inline hid_t chdf5_u32(void) { return H5T_STD_U32LE; }
static inline hid_t chdf5_u64(void) { return H5T_STD_U64LE; }
static inline hid_t chdf5_string(void) { return H5T_C_S1; }

// Links.

typedef herr_t (*chdf5_link_visitor)(hid_t group, const char *name, const chdf5_link_info *info,
                                     void *context);

static inline H5L_type_t chdf5_link_type(const chdf5_link_info *info) { return info->type; }
static inline haddr_t chdf5_link_address(const chdf5_link_info *info) { return info->u.address; }

/// Visits the links of a group in the order of the file, without following any.
///
/// In any other order libhdf5 1.10.8 collects the links first, and where a damaged one ends that, it
/// frees links that it has not read.
static inline herr_t chdf5_visit_links(hid_t group, chdf5_link_visitor visitor, void *context) {
  return CHDF5_ITERATE(group, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, visitor, context);
}

static inline herr_t chdf5_refuse_external_link(const char *parent_file, const char *parent_group,
                                                const char *child_file, const char *child_object,
                                                unsigned *flags, hid_t fapl, void *context) {
  (void)parent_file, (void)parent_group, (void)child_file, (void)child_object;
  (void)flags, (void)fapl, (void)context;
  return -1;
}

/// Makes an access property list refuse to follow external links.
static inline herr_t chdf5_refuse_external_links(hid_t access_list) {
  return H5Pset_elink_cb(access_list, chdf5_refuse_external_link, NULL);
}

// Objects.

/// What an object's header says, before the object is opened.
typedef struct {
  haddr_t address;
  H5O_type_t type;
  unsigned link_count;
  hsize_t attribute_count;
  unsigned header_version;
  /// One bit for each type of message in the header.
  uint64_t messages;
  /// One bit for each type of message of which the header holds only a reference.
  uint64_t shared_messages;
} chdf5_header;

/// Reads the header of the object that a link of a group leads to; "." is the group itself.
static inline herr_t chdf5_read_header(hid_t group, const char *name, hid_t link_access,
                                       chdf5_header *header) {
  chdf5_object_info info;
  herr_t status = H5Oget_info_by_name2(group, name, &info,
                                       H5O_INFO_BASIC | H5O_INFO_NUM_ATTRS | H5O_INFO_HDR,
                                       link_access);
  if (status < 0)
    return status;
  header->address = info.addr;
  header->type = info.type;
  header->link_count = info.rc;
  header->attribute_count = info.num_attrs;
  header->header_version = info.hdr.version;
  header->messages = info.hdr.mesg.present;
  header->shared_messages = info.hdr.mesg.shared;
  return status;
}

#endif

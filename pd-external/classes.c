/* see classes.h */
#include "classes.h"
#include "m_pd.h"

static int is_registered(const char *name)
{
    return zgetfn(&pd_objectmaker, gensym(name)) != 0;
}

void class_alias(t_newmethod make, const char *name)
{
    if (!is_registered(name))
        class_addcreator(make, gensym(name), A_GIMME, 0);
}

void classes_register(void)
{
    if (!is_registered("mlinfer~"))
        signalclass_setup();
    if (!is_registered("mlinfer"))
        listclass_setup();
}
